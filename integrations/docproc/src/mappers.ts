import type { RemoteJob } from '../../../src/definition/index.ts';
import type { ExtractionInput, ExtractionResult, JobDto, ResultDto } from './models.ts';

/** The body of `POST /v3/jobs`. */
export function toJobBody(input: ExtractionInput, reference: string, callbackUrl: string | undefined) {
  return {
    input: `sha256:${input.document.sha256}`,
    options: { format: input.options.format },
    reference,
    ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
  };
}

/** docproc's job in the playbook's terms. */
export function toRemoteJob(job: JobDto): RemoteJob {
  return {
    externalId: job.id,
    word: job.status,
    costMicros: job.cost_micros,
    ...(job.reference === null ? {} : { reference: job.reference }),
    ...(job.result === null ? {} : { result: toResult(job.result) }),
    ...(job.error === null ? {} : { error: job.error }),
  };
}

/** True while docproc holds the very input we mean under our key. */
export function hasSameInput(job: JobDto, input: ExtractionInput): boolean {
  return job.input === `sha256:${input.document.sha256}` && job.options.format === input.options.format;
}

function toResult(result: ResultDto): ExtractionResult {
  return {
    artifactId: result.artifact_id,
    artifactUrl: result.artifact_url,
    contentType: result.content_type,
    sha256: result.sha256,
    bytes: result.bytes,
    pages: result.pages,
    characters: result.characters,
    ...(result.text === undefined ? {} : { text: result.text }),
    ...(result.page_texts === undefined ? {} : { pageTexts: result.page_texts }),
  };
}
