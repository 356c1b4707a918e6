import { z } from 'zod';
import { pii } from '../../../src/definition/index.ts';

/** A document by reference: its bytes never enter a history. */
export const documentRef = z.strictObject({
  uri: z.string().regex(/^(file|https?):/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  contentType: z.enum(['application/pdf', 'text/plain', 'text/markdown']),
});
export type DocumentRef = z.infer<typeof documentRef>;

/** What a caller asks for. */
export const extractionInput = z.strictObject({
  document: documentRef,
  options: z.strictObject({ format: z.enum(['text', 'markdown', 'json']) }),
});
export type ExtractionInput = z.infer<typeof extractionInput>;

/** docproc's result, as recorded: `text` is there while it is small, the artifact always. */
const resultDto = z.object({
  artifact_id: z.string().min(1),
  artifact_url: z.string().min(1),
  content_type: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  pages: z.int().nonnegative(),
  characters: z.int().nonnegative(),
  text: pii(z.string()).optional(),
  page_texts: pii(z.array(z.string())).optional(),
});
export type ResultDto = z.infer<typeof resultDto>;

/** docproc's job, as recorded. */
export const jobDto = z.object({
  id: z.string().min(1),
  status: z.string(),
  reference: z.string().nullable(),
  input: z.string(),
  options: z.object({ format: z.string() }),
  created_at: z.string(),
  updated_at: z.string(),
  cost_micros: z.int().nonnegative(),
  result: resultDto.nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type JobDto = z.infer<typeof jobDto>;

/** One cursor page. */
export const jobPageDto = z.object({
  data: z.array(jobDto),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});

/** A webhook's payload. */
export const eventDto = z.object({
  type: z.string(),
  timestamp: z.string(),
  data: jobDto,
});

/** What a caller gets. A document's text may name people, so it is marked as personal data: no log or recording shows it. */
export const extractionResult = z.object({
  artifactId: z.string(),
  artifactUrl: z.string(),
  contentType: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  pages: z.int(),
  characters: z.int(),
  /** The text, where it was asked for as text or Markdown. Absent in results above 32 KiB: those are artifacts only. */
  text: pii(z.string()).optional(),
  /** One text a page, where JSON was asked for. */
  pageTexts: pii(z.array(z.string())).optional(),
});
export type ExtractionResult = z.infer<typeof extractionResult>;
