import { PlaybookError } from '../../../src/contracts/index.ts';
import type { FileRef } from '../../../src/contracts/index.ts';
import type { JobAnswer, JobHandle, PlaybookClient, StartOptions } from '../../../src/client/index.ts';
import type { ResultOf } from '../../../src/definition/index.ts';
import { integration } from './index.ts';
import { scanInput } from './models.ts';

/** A recording's length, levels and waveform. Levels are in dB below full scale, null for silence. */
export type Levels = ResultOf<typeof integration>;

/** wavescan for services: every scan is a durable job, whatever becomes of the process that asked. */
export interface Wavescan {
  /**
   * Measures a recording and waits for it.
   *
   * SEMANTICS: the job is CREATED, wavescan queues and scans it (PROCESSING), and it ends COMPLETED with the levels, FAILED or CANCELED
   * with an error code. Once `maxWaitMs` is over the answer is PENDING and the job goes on: ask again with the same key.
   * CONTRACT: `schemas/result-v2.1.0.json`.
   * IDEMPOTENCY: same key and recording: the same job and one scan. Same key with another recording: IDEMPOTENCY_KEY_REUSED.
   * COST: $0.002 per scan wavescan accepts.
   * @throws PlaybookError UNSUPPORTED_MEDIA_TYPE, INVALID_KEY, IDEMPOTENCY_KEY_REUSED, SETUP_MISSING or TEMPORAL_UNREACHABLE
   */
  readonly measure: (
    recording: FileRef,
    options: StartOptions & { readonly maxWaitMs?: number },
  ) => Promise<JobAnswer<Levels>>;
  /** Starts a scan and does not wait for it; otherwise as {@link Wavescan.measure}. */
  readonly startScan: (recording: FileRef, options: StartOptions) => Promise<JobHandle<Levels>>;
}

/** Makes a {@link Wavescan} on a playbook client. */
export function createWavescan(playbook: PlaybookClient): Wavescan {
  async function startScan(recording: FileRef, options: StartOptions): Promise<JobHandle<Levels>> {
    const input = scanInput.safeParse({ recording });
    if (input.success) return playbook.start(integration, input.data, options);
    throw new PlaybookError(
      'UNSUPPORTED_MEDIA_TYPE',
      `wavescan measures WAV files (.wav); this reference is to ${recording.contentType}, or not valid. Nothing was sent.`,
    );
  }
  return {
    startScan,
    measure: async (recording, { maxWaitMs, ...options }) => {
      const job = await startScan(recording, options);
      return job.result(maxWaitMs === undefined ? {} : { maxWaitMs });
    },
  };
}
