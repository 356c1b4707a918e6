import { z } from 'zod';
import { fileRef } from '../../../src/definition/index.ts';

/** What a caller asks for: a recording by reference, its bytes never enter a history. */
export const scanInput = z.strictObject({ recording: fileRef(['audio/wav']) });
export type ScanInput = z.infer<typeof scanInput>;

/** wavescan's scan, as recorded. Its times are epoch seconds. */
export const scanDto = z.object({
  scan_id: z.string().min(1),
  phase: z.string(),
  label: z.string().nullable(),
  recording: z.string(),
  created: z.int(),
  changed: z.int(),
  problem: z.object({ kind: z.string(), detail: z.string() }).nullable(),
});

/** A page by offset. */
export const scanPageDto = z.object({ scans: z.array(scanDto), offset: z.int(), total: z.int() });

/** The result, which has an endpoint of its own. Levels are in dB below full scale, null for silence. */
export const levels = z.object({
  length_ms: z.int().nonnegative(),
  sample_rate: z.int().positive(),
  channels: z.int().positive(),
  peak_dbfs: z.number().nullable(),
  rms_dbfs: z.number().nullable(),
  waveform: z.array(z.number().min(0).max(1)),
});
export const levelsDto = levels.extend({ scan_id: z.string() });

/** A webhook's payload: it says which scan and how it ended, and nothing of its result. */
export const eventDto = z.object({ event: z.string(), scan_id: z.string(), label: z.string().nullable() });

/** The body of every error of wavescan, read as the playbook wants it. */
export const faultDto = z
  .object({ fault: z.object({ kind: z.string(), detail: z.string() }) })
  .transform(({ fault: { kind, detail } }) => ({ code: kind, message: detail }));
