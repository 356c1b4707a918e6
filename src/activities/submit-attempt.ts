import type { SubmitRequest } from '../contracts/activities.ts';
import type { BatchPart } from '../contracts/batch.ts';
import { PlaybookError } from '../contracts/errors.ts';
import type { FileRef, JobObservation, Submitted } from '../contracts/jobs.ts';
import { parseInput, type RemoteJob } from '../definition/index.ts';
import { RequestFailed } from '../http/types.ts';
import type { ActivityContext } from './activity-context.ts';
import { judge } from './failures.ts';
import type { OpenInputFile } from './input-files.ts';
import { findByReference, mappedState, toObservation } from './observe.ts';
import type { ServiceRuntime } from './services.ts';
import { readSubmitted, submitCall, uploadRequest } from './submit-call.ts';
import { remember, type SubmitProgress } from './submit-progress.ts';

const UNDER_WAY_EVERY_MS = 500;

/** All that one attempt works with. */
export interface SubmitAttempt {
  readonly runtime: ServiceRuntime;
  readonly request: SubmitRequest;
  /** Kept up to date, also while the attempt fails. */
  readonly progress: SubmitProgress;
  readonly context: ActivityContext;
  readonly openInputFile: OpenInputFile;
  /** Where else a key is; without it only what ran alone is found again. */
  readonly earlierBatches?: EarlierBatches | undefined;
  readonly now: () => number;
}

/** The parts of batches, of those wanted, that have a job with a key, the ones to be tried first at the front. */
export type EarlierBatches = (
  service: string,
  key: string,
  isWanted: (part: BatchPart) => boolean,
) => Promise<readonly BatchPart[]>;

/** One attempt at one submit: find what may be there already, upload, send. */
export async function attemptSubmit(attempt: SubmitAttempt): Promise<Submitted> {
  const { integration } = attempt.runtime;
  const input: unknown = parseInput(integration, attempt.request.input);
  const found = await findEarlier(attempt);
  if (found !== undefined) return submitted(attempt, found);
  for (const file of integration.upload?.files(input) ?? []) await upload(attempt, file);
  try {
    return submitted(attempt, await sendAsBefore(attempt, input));
  } catch (error) {
    // The service says it has this job already and does not show it: it is found as a lost one would be.
    const isDuplicate = judge(error).conflict === 'duplicate' && integration.lookup !== undefined;
    const existing = isDuplicate ? await lookUp(attempt) : undefined;
    if (existing === undefined) throw error;
    return submitted(attempt, existing);
  }
}

/**
 * Sends; a key that is refused as reused may have run elsewhere before. A service that compares whole requests takes only the
 * one it had, webhook address included: it is sent as it would have been alone and in the batches that have the key.
 */
async function sendAsBefore(attempt: SubmitAttempt, input: unknown): Promise<RemoteJob> {
  const { batch, ...alone } = attempt.request;
  try {
    return await send(attempt, input);
  } catch (error) {
    if (!isReused(error)) throw error;
    const isOther = (place: BatchPart): boolean => place.name !== batch?.name || place.part !== batch.part;
    const again =
      (batch === undefined ? undefined : await sendUnlessReused({ ...attempt, request: alone }, input)) ??
      (await sendAsIn(await (attempt.earlierBatches?.(alone.service, alone.key, isOther) ?? [])));
    if (again === undefined) throw error;
    return again;
  }

  async function sendAsIn(places: readonly BatchPart[]): Promise<RemoteJob | undefined> {
    for (const place of places) {
      const job = await sendUnlessReused({ ...attempt, request: { ...alone, batch: place } }, input);
      if (job !== undefined) return job;
    }
    return undefined;
  }
}

async function sendUnlessReused(attempt: SubmitAttempt, input: unknown): Promise<RemoteJob | undefined> {
  try {
    return await send(attempt, input);
  } catch (error) {
    if (isReused(error)) return undefined;
    throw error;
  }
}

function isReused(error: unknown): boolean {
  return error instanceof RequestFailed && error.failure.code === 'IDEMPOTENCY_KEY_REUSED';
}

/**
 * Without idempotency at the service, a request that may have arrived is looked for before it is ever sent again. With it, once
 * no attempt is left: a job the service has must not end as failed here.
 */
async function findEarlier(attempt: SubmitAttempt): Promise<RemoteJob | undefined> {
  const { progress, runtime, now } = attempt;
  const { submit, lookup, service } = runtime.integration;
  const isUsedUp = attemptsUsedUp(progress, runtime);
  if (!progress.mayHaveArrived || (submit.idempotency.kind !== 'none' && !isUsedUp)) return undefined;
  const settleMs = progress.underWayAtMs + (lookup?.settleMs ?? 0) - now();
  if (settleMs > 0) {
    throw new RequestFailed({
      code: 'AMBIGUOUS_SUBMIT',
      retryable: true,
      arrival: 'never',
      throttled: true,
      retryAfterMs: settleMs,
      message: `A submit to ${service} may have arrived: it is looked for once it would certainly be found.`,
    });
  }
  const found = await lookUp(attempt);
  progress.mayHaveArrived = false;
  if (found === undefined && isUsedUp) {
    throw new PlaybookError(
      'RETRIES_EXHAUSTED',
      `${usedUpMessage(progress, runtime)} ${service} does not have the job.`,
    );
  }
  return found;
}

export function usedUpMessage({ failures, lastMessage }: SubmitProgress, { config }: ServiceRuntime): string {
  return `${failures} of ${config.service.retry.max_attempts} attempts failed; the last: ${lastMessage}`;
}

/** True when nothing more may be sent, but perhaps looked up. */
export function attemptsUsedUp(progress: SubmitProgress, { config }: ServiceRuntime): boolean {
  return progress.failures >= config.service.retry.max_attempts;
}

async function lookUp({ progress, runtime, request, context }: SubmitAttempt): Promise<RemoteJob | undefined> {
  progress.requests += 1;
  return findByReference(runtime, request, context.signal);
}

async function upload({ runtime, progress, context, openInputFile }: SubmitAttempt, file: FileRef): Promise<void> {
  const { upload: endpoint } = runtime.integration;
  if (endpoint === undefined || progress.uploaded.includes(file.sha256)) return;
  const local = await openInputFile(file, context.signal);
  try {
    progress.requests += 1;
    await runtime.client.send(uploadRequest(endpoint, file, local), context.signal);
    progress.uploaded.push(file.sha256);
  } finally {
    await local.dispose();
  }
}

async function send(attempt: SubmitAttempt, input: unknown): Promise<RemoteJob> {
  const { request, progress, context, now } = attempt;
  const { submission, outgoing } = await submitCall(attempt.runtime, request, input);
  context.signal.throwIfAborted();
  if (now() >= request.deadlineAtMs) throw new PlaybookError('DEADLINE_EXCEEDED', 'The deadline passed.');
  const before = progress.mayHaveArrived;
  let answered = false;
  // The gate may hold it back for long: the next attempt must not take it for older than it is.
  const underWay = setInterval(() => (progress.underWayAtMs = now()), UNDER_WAY_EVERY_MS);
  try {
    await announce(attempt);
    progress.requests += 1;
    // Not aborted by a cancellation: the answer holds the id by which the job can be canceled at the service.
    const response = await attempt.runtime.client.send({ ...outgoing, repeats: before }, new AbortController().signal);
    answered = true;
    return readSubmitted(attempt.runtime, response, submission);
  } catch (error) {
    const { arrival } = judge(error);
    progress.underWayAtMs = now();
    if (!answered && (arrival === 'never' || arrival === 'refused')) progress.mayHaveArrived = before;
    throw error;
  } finally {
    clearInterval(underWay);
  }
}

/** From here on a submit may be under way. Where only we can know, that is written down first: the next attempt must, too. */
async function announce({ runtime, progress, context, now }: SubmitAttempt): Promise<void> {
  progress.mayHaveArrived = true;
  progress.underWayAtMs = now();
  if (runtime.integration.submit.idempotency.kind !== 'none') return;
  try {
    await remember(progress, context);
  } catch (cause) {
    const message = 'Nothing was sent: Temporal did not take note that a submit is about to leave.';
    throw new PlaybookError('TEMPORAL_UNREACHABLE', message, { cause });
  }
}

function submitted({ runtime, progress }: SubmitAttempt, job: RemoteJob): Submitted {
  const { integration } = runtime;
  // Over already, and the result has an address of its own: the wait asks there, and retries that by itself.
  const isApart = integration.fetch !== undefined && mappedState(integration, job.word) === 'COMPLETED';
  const observation: JobObservation = isApart
    ? { state: 'PROCESSING', word: job.word }
    : toObservation(integration, job);
  return { externalId: job.externalId, requests: progress.requests, observation };
}
