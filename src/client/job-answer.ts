import {
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  WorkflowFailedError,
  type Client,
} from '@temporalio/client';
import type { JobOutcome } from '../contracts/jobs.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { describeJob, snapshot } from './job-snapshot.ts';

/** The wait ran out while the job goes on. */
export interface JobPending {
  readonly state: 'PENDING';
  readonly service: string;
  readonly key: string;
  readonly workflowId: string;
}

/** What a caller gets: how the job ended, or that it has not yet. */
export type JobAnswer<Result> = JobOutcome<Result> | JobPending;

/** Reads how a job ended out of the way its workflow did. */
export async function outcomeOfFailure(client: Client, workflowId: string, error: unknown): Promise<JobOutcome> {
  if (!(error instanceof WorkflowFailedError)) throw error;
  const { cause } = error;
  if (cause instanceof ApplicationFailure && cause.details?.[0] !== undefined) return cause.details[0] as JobOutcome;
  const job = snapshot(await describeJob(client, workflowId));
  const ended = (code: ErrorCode, message: string): JobOutcome => ({
    service: job.service,
    key: job.key,
    generation: job.generation,
    workflowId,
    externalId: job.externalId,
    state: code === 'CANCELED' ? 'CANCELED' : 'FAILED',
    route: job.route,
    result: null,
    error: { code, message },
    polls: 0,
    webhooks: 0,
    latencyMs: job.latencyMs ?? 0,
    costMicros: job.costMicros ?? 0,
  });
  if (cause instanceof CancelledFailure) return ended('CANCELED', 'The job was canceled on request.');
  if (cause instanceof TerminatedFailure) {
    return ended('TERMINATED', `Somebody terminated the job's workflow: ${cause.message}. The service was not told.`);
  }
  return ended('INTERNAL', cause?.message ?? error.message);
}
