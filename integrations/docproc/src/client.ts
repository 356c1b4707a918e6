import type { JobAnswer, JobHandle, PlaybookClient, StartOptions } from '../../../src/client/index.ts';
import type { FileRef } from '../../../src/contracts/index.ts';
import { documentFromFile, toDocument } from './document.ts';
import { integration } from './index.ts';
import type { ExtractionInput, ExtractionResult } from './models.ts';

/** A document: the path of a file that the workers can read as well, or a reference with its hash. */
export type Document = string | FileRef;

/** How a document is extracted. `key` is the caller's idempotency key. */
export interface ExtractOptions extends StartOptions {
  /** What the text is wanted as. @default 'text' */
  readonly format?: ExtractionInput['options']['format'];
}

/** docproc for services: everything runs as a durable job, whatever becomes of the process that asked. */
export interface Docproc {
  /**
   * Extracts a document's text and waits for it.
   *
   * SEMANTICS: the job is CREATED, docproc moves it to PROCESSING, and it ends COMPLETED with the text, FAILED or CANCELED with an
   * error code. Once `maxWaitMs` is over the answer is PENDING and the job goes on: ask again with the same key.
   * CONTRACT: `schemas/result-v3.4.2.json`; docproc's own answer is pinned by `schemas/job-response-v3.4.2.json`.
   * IDEMPOTENCY: same key, document and format: the same job and, however often it is asked, one accepted POST. Same key with
   * another document or format: IDEMPOTENCY_KEY_REUSED.
   * COST: $0.01 per job docproc accepts, also when it fails there; nothing for asking again. `costMicros` of the answer is docproc's figure.
   * @throws PlaybookError UNSUPPORTED_MEDIA_TYPE, FILE_NOT_FOUND, INVALID_KEY, INVALID_INPUT, IDEMPOTENCY_KEY_REUSED, SETUP_MISSING or TEMPORAL_UNREACHABLE
   */
  readonly extractText: (
    document: Document,
    options: ExtractOptions & { readonly maxWaitMs?: number },
  ) => Promise<JobAnswer<ExtractionResult>>;

  /**
   * Starts an extraction and does not wait for it.
   *
   * SEMANTICS: the job is durably CREATED once this resolves; from then on as {@link Docproc.extractText}.
   * CONTRACT: as {@link Docproc.extractText}.
   * IDEMPOTENCY: as {@link Docproc.extractText}.
   * COST: as {@link Docproc.extractText}.
   * @throws PlaybookError as {@link Docproc.extractText}
   */
  readonly startExtraction: (document: Document, options: ExtractOptions) => Promise<JobHandle<ExtractionResult>>;

  /**
   * The handle of an extraction by its key: to await, look at, cancel or retry it.
   *
   * SEMANTICS: changes nothing and asks nothing. On the handle, `cancel()` ends the job CANCELED here and at docproc unless it is
   * over, and `retry()` starts the next generation of a FAILED or CANCELED job.
   * CONTRACT: as {@link Docproc.extractText}.
   * IDEMPOTENCY: free to repeat. A `retry()` is a deliberate resubmission under a new idempotency key.
   * COST: nothing; a `retry()` costs what a new job costs.
   */
  readonly extraction: (key: string) => JobHandle<ExtractionResult>;
}

/** Makes a {@link Docproc} on a playbook client. */
export function createDocproc(playbook: PlaybookClient): Docproc {
  async function startExtraction(
    document: Document,
    { format = 'text', ...options }: ExtractOptions,
  ): Promise<JobHandle<ExtractionResult>> {
    const file = typeof document === 'string' ? await documentFromFile(document) : toDocument(document);
    return playbook.start(integration, { document: file, options: { format } }, options);
  }

  return {
    startExtraction,
    extractText: async (document, { maxWaitMs, ...options }) => {
      const job = await startExtraction(document, options);
      return job.result(maxWaitMs === undefined ? {} : { maxWaitMs });
    },
    extraction: (key) => playbook.job(integration, key),
  };
}
