import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { PlaybookError } from '../contracts/errors.ts';
import { parseJobWorkflowId } from '../contracts/ids.ts';
import type { JobAccepted, JobOutcome, JobRequest, JobStatus } from '../contracts/jobs.ts';
import { ACCEPTED_UPDATE, EXTERNAL_JOB_WORKFLOW, STATUS_QUERY, type JobMemo } from '../contracts/messages.ts';
import { isTerminal } from '../contracts/states.ts';
import { acceptanceFailure, pastAcceptance } from './acceptance.ts';
import { translating } from './errors.ts';
import { firstArgument } from './first-argument.ts';
import { outcomeOfFailure, type JobAnswer } from './job-answer.ts';
import { describeJob, snapshot, type JobSnapshot } from './job-snapshot.ts';
import { jobStart } from './job-start.ts';
import { within } from './within.ts';

/** One job, by its key: always its latest generation. */
export interface JobHandle<Result> {
  readonly service: string;
  readonly key: string;
  readonly workflowId: string;
  /**
   * Waits for the end: COMPLETED with the result, FAILED or CANCELED with the error; or PENDING once `maxWaitMs` is over while
   * the job goes on. Without `maxWaitMs` it waits as long as it takes.
   * @throws PlaybookError JOB_NOT_FOUND or TEMPORAL_UNREACHABLE
   */
  readonly result: (options?: { readonly maxWaitMs?: number }) => Promise<JobAnswer<Result>>;
  /** What the server knows; needs no worker. @throws PlaybookError JOB_NOT_FOUND */
  readonly status: () => Promise<JobSnapshot>;
  /** What the job says of itself, with counts and what it waits for; needs a running worker. */
  readonly detail: () => Promise<JobStatus>;
  /** Resolves once the service has the job; needs a running worker. @throws PlaybookError with the code of a job that failed before */
  readonly waitUntilAccepted: () => Promise<JobAccepted>;
  /** Asks for the job to be canceled, here and at the service. Without effect once it is over. */
  readonly cancel: () => Promise<void>;
  /**
   * Starts the next generation of a FAILED or CANCELED job: a deliberate resubmission, with a new idempotency key.
   * @throws PlaybookError NOT_RETRYABLE_STATE
   */
  readonly retry: () => Promise<void>;
}

/** Handle of a job by its workflow id. */
export function createJobHandle<Result>(client: Client, workflowId: string): JobHandle<Result> {
  const parsed = parseJobWorkflowId(workflowId);
  if (parsed === undefined) throw new PlaybookError('INVALID_KEY', `${JSON.stringify(workflowId)} is not a job's id.`);
  const handle = client.workflow.getHandle(workflowId);

  async function outcome(): Promise<JobOutcome<Result>> {
    try {
      return (await translating(() => handle.result())) as JobOutcome<Result>;
    } catch (error) {
      return (await outcomeOfFailure(client, workflowId, error)) as JobOutcome<Result>;
    }
  }

  return {
    ...parsed,
    workflowId,

    result: async ({ maxWaitMs } = {}) => {
      await describeJob(client, workflowId);
      return (await within(client, maxWaitMs, outcome)) ?? { state: 'PENDING', ...parsed, workflowId };
    },

    status: async () => snapshot(await describeJob(client, workflowId)),

    detail: () => translating(() => handle.query<JobStatus>(STATUS_QUERY)),

    waitUntilAccepted: async () => {
      const { memo } = await describeJob(client, workflowId);
      try {
        const args: [string] = [(memo as unknown as JobMemo).fingerprint];
        return await translating(() => handle.executeUpdate<JobAccepted, [string]>(ACCEPTED_UPDATE, { args }));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return pastAcceptance(client, workflowId);
        throw acceptanceFailure(error);
      }
    },

    cancel: async () => {
      const { state } = snapshot(await describeJob(client, workflowId));
      if (isTerminal(state)) return;
      try {
        await translating(() => handle.cancel());
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error; // it ended since
      }
    },

    retry: async () => {
      const job = snapshot(await describeJob(client, workflowId));
      if (job.state !== 'FAILED' && job.state !== 'CANCELED') throw notRetryable(job);
      const earlier = await firstArgument<JobRequest>(client, workflowId, job.runId);
      const next = { ...earlier, generation: earlier.generation + 1 };
      try {
        await translating(() => client.workflow.start(EXTERNAL_JOB_WORKFLOW, jobStart(next)));
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) throw notRetryable({ ...job, state: 'PROCESSING' });
        throw error;
      }
    },
  };
}

/** The error of a retry that cannot be. */
export function notRetryable(job: Pick<JobSnapshot, 'workflowId' | 'state'>): PlaybookError {
  return new PlaybookError(
    'NOT_RETRYABLE_STATE',
    `Job ${job.workflowId} is ${job.state}; only a FAILED or CANCELED job can be retried.`,
  );
}
