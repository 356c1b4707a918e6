import { readSubmitted, submitCall, uploadRequest } from '../activities/index.ts';
import type { OpenInputFile, ServiceRuntime } from '../activities/index.ts';
import { PlaybookError } from '../contracts/errors.ts';
import { parseInput } from '../definition/index.ts';
import type { RemoteJob } from '../definition/index.ts';
import type { Clock } from '../http/clock.ts';
import type { RecordedExchange } from '../http/service-client.ts';
import { RequestFailed } from '../http/types.ts';
import type { Failure } from '../rules/failure.ts';

/** One service in one environment, ready to be asked. */
export interface Asked {
  /** Without callback URL: no job here is Temporal's. */
  readonly runtime: ServiceRuntime;
  /** The input of the nth sample job. */
  readonly inputOf: (nth: number) => Promise<unknown>;
  /** The input of a job that fails at the service; absent where the samples have none. */
  readonly failingInput?: () => Promise<unknown>;
  readonly openInputFile: OpenInputFile;
  /** Every transmission so far. */
  readonly exchanges: readonly RecordedExchange[];
  readonly clock: Clock;
  /** Rejects when the signal is aborted. */
  readonly pause: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  /** Begins the key of each job, so that no two runs share one. */
  readonly prefix: string;
}

const THROTTLED_TRIES = 5;
/** Pause after a refusal that names none. */
const USUAL_WAIT_MS = 1_000;
/** The longest wait a probe lets itself be asked for. */
const MOST_WAIT_MS = 60_000;

/** Uploads what a job needs and submits it, once, as a job does: same request, same key, same judgement. @throws RequestFailed, PlaybookError */
export async function submitOnce(asked: Asked, input: unknown, key: string): Promise<RemoteJob> {
  const { runtime, signal } = asked;
  const job = { service: runtime.integration.service, key: `${asked.prefix}-${key}`, generation: 1 };
  const { submission, outgoing } = await submitCall(runtime, job, parseInput(runtime.integration, input));
  const response = await patiently(asked, () => runtime.client.send(outgoing, signal));
  return readSubmitted(runtime, response, submission);
}

/** Uploads the files of a job. @throws RequestFailed, PlaybookError */
export async function uploadFiles({ runtime, openInputFile, signal, ...asked }: Asked, input: unknown): Promise<void> {
  const { upload } = runtime.integration;
  if (upload === undefined) return;
  for (const file of upload.files(parseInput(runtime.integration, input))) {
    const local = await openInputFile(file, signal);
    try {
      const send = (): Promise<unknown> => runtime.client.send(uploadRequest(upload, file, local), signal);
      await patiently(asked, send);
    } finally {
      await local.dispose();
    }
  }
}

/** Comes again when the service only asks to slow down: that says nothing of what is asked. */
async function patiently<Value>({ pause }: Pick<Asked, 'pause'>, send: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code !== 'THROTTLED' || tries === THROTTLED_TRIES) throw error;
      await pause(waitOf(failure));
    }
  }
}

/** The wait a refusal asks for, within bounds. */
export function waitOf({ retryAfterMs = USUAL_WAIT_MS }: Failure): number {
  return Math.min(retryAfterMs, MOST_WAIT_MS);
}

/** What a request failed of. @throws the error itself where it was no answer's or connection's fault */
export function failureOf(error: unknown): Failure {
  if (error instanceof RequestFailed) return error.failure;
  throw error;
}

/** Runs a probe; a request's failure ends it as an error of ours. @throws PlaybookError */
export async function asPlaybookError<Value>(probe: () => Promise<Value>): Promise<Value> {
  try {
    return await probe();
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    const { code, message } = error.failure;
    throw new PlaybookError(code, `The probe ended before it knew. ${message}`, { cause: error });
  }
}
