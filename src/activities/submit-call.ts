import { PlaybookError } from '../contracts/errors.ts';
import { jobReference } from '../contracts/ids.ts';
import type { FileRef } from '../contracts/jobs.ts';
import type { TokenJob } from '../definition/callback-token.ts';
import type { Integration, RemoteJob, SubmitContext } from '../definition/index.ts';
import type { OutboundRequest, ServiceResponse } from '../http/types.ts';
import { idempotencyKey } from './idempotency-key.ts';
import type { LocalFile } from './input-files.ts';
import { outbound, readAnswer } from './observe.ts';
import type { ServiceRuntime } from './services.ts';

/** A submit as it goes out, and what its answer is read with. */
export interface SubmitCall {
  readonly submission: SubmitContext<unknown>;
  readonly outgoing: OutboundRequest;
}

/** The one request that submits a job; the same for every attempt of one generation. */
export async function submitCall(runtime: ServiceRuntime, job: TokenJob, input: unknown): Promise<SubmitCall> {
  const { integration, config, callbackUrl } = runtime;
  const { kind } = integration.submit.idempotency;
  const key = idempotencyKey(config.environment, job);
  const submission: SubmitContext<unknown> = {
    input,
    reference: jobReference(job),
    idempotencyKey: key,
    ...(callbackUrl === undefined ? {} : { callbackUrl: await callbackUrl(job) }),
  };
  const outgoing = {
    ...outbound(integration.submit, submission, 'submit'),
    repeatable: kind !== 'none',
    ...(kind === 'header' ? { idempotencyKey: key } : {}),
  };
  return { submission, outgoing };
}

/**
 * The job that a submit's answer shows.
 * @throws PlaybookError CONTRACT_VIOLATION; IDEMPOTENCY_KEY_REUSED where it is another one than was meant
 */
export function readSubmitted(
  runtime: ServiceRuntime,
  response: ServiceResponse,
  submission: SubmitContext<unknown>,
): RemoteJob {
  const { service, submit } = runtime.integration;
  const job = readAnswer(runtime, submit, response, submission, 'submit response');
  if (submit.sameInput === undefined || submit.sameInput(response.json, submission.input)) return job;
  throw new PlaybookError(
    'IDEMPOTENCY_KEY_REUSED',
    `${service} holds other input under the idempotency key of ${submission.reference.replace(/~\d+$/, '')} (job ${job.externalId}).`,
  );
}

/** The request that uploads one file of a job. */
export function uploadRequest(
  endpoint: NonNullable<Integration['upload']>,
  file: FileRef,
  { open }: Pick<LocalFile, 'open'>,
): OutboundRequest {
  const body = { open, bytes: file.bytes, contentType: file.contentType };
  return { ...endpoint.request(file), kind: 'upload', repeatable: true, body };
}
