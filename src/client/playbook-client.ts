import { WithStartWorkflowOperation, WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { PlaybookError } from '../contracts/errors.ts';
import { jobWorkflowId, KEY_PATTERN } from '../contracts/ids.ts';
import type { JobAccepted, JobRequest } from '../contracts/jobs.ts';
import type { Json } from '../contracts/json.ts';
import { ACCEPTED_UPDATE, EXTERNAL_JOB_WORKFLOW, type JobMemo } from '../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { JobState } from '../contracts/states.ts';
import { parseInput, type InputOf, type Integration, type ResultOf } from '../definition/index.ts';
import { acceptanceFailure, pastAcceptance } from './acceptance.ts';
import { createBatchHandle, type BatchHandle } from './batch-handle.ts';
import type { BatchItem } from './batch-pack.ts';
import { translated, translating } from './errors.ts';
import { fingerprint } from './fingerprint.ts';
import { createJobHandle, type JobHandle } from './job-handle.ts';
import { jobStart, type ExternalJob, type JobStart } from './job-start.ts';
import { describeJob, snapshot, type JobSnapshot } from './job-snapshot.ts';
import { startMany, type FedBatch, type StartManyOptions } from './start-many.ts';
import { quoted } from './quoted.ts';

/** How one job is started. */
export interface StartOptions {
  /** The caller's idempotency key: 1 to 200 printable ASCII characters without spaces, quotes or backslashes. */
  readonly key: string;
  /** Who the job is for (tenant, user): what a rollout buckets by. @default the key */
  readonly unit?: string;
  /** Cost attribution. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** Which jobs to list. */
export interface ListFilter {
  readonly service?: string;
  readonly state?: JobState;
  /** Temporal cannot compare values that hold a double quote or a backslash: such units are not found. */
  readonly unit?: string;
  /** Most recent first, so many at most. @default 100 */
  readonly limit?: number;
}

/** What services import: starts jobs and reads how they go. Needs a Temporal client, no worker. */
export interface PlaybookClient {
  /**
   * Starts a job, or finds the one this key already has, running or finished.
   *
   * SEMANTICS: accepted durably once this resolves; the job goes on whatever becomes of the caller.
   * IDEMPOTENCY: same key and same input: the same job. Same key and other input: IDEMPOTENCY_KEY_REUSED.
   * @throws PlaybookError INVALID_KEY, INVALID_INPUT, IDEMPOTENCY_KEY_REUSED, SETUP_MISSING or TEMPORAL_UNREACHABLE
   */
  readonly start: <I extends Integration>(
    integration: I,
    input: InputOf<I>,
    options: StartOptions,
  ) => Promise<JobHandle<ResultOf<I>>>;
  /**
   * Starts a job and waits, in the same round trip, until the service has it.
   * Needs a running worker. Otherwise as {@link PlaybookClient.start}.
   */
  readonly startAndWaitUntilAccepted: <I extends Integration>(
    integration: I,
    input: InputOf<I>,
    options: StartOptions,
  ) => Promise<{ readonly job: JobHandle<ResultOf<I>>; readonly accepted: JobAccepted }>;
  /** The handle of a job by its key; asks nothing yet. */
  readonly job: <I extends Integration>(integration: I, key: string) => JobHandle<ResultOf<I>>;
  readonly list: (filter?: ListFilter) => AsyncIterable<JobSnapshot>;
  /**
   * Starts many jobs as one batch, at a fraction of what single ones cost: some hundred share a workflow. See docs/batches.md.
   *
   * SEMANTICS: each job goes through the same states as alone; what is accepted goes on whatever becomes of the caller.
   * IDEMPOTENCY: the same name and jobs are the same batch, taken up where it was left. A job's key is what it is for a single
   * job, and the service sees the same idempotency key.
   * @throws PlaybookError BAD_USAGE; `fed` rejects with INVALID_KEY, IDEMPOTENCY_KEY_REUSED, SETUP_MISSING or TEMPORAL_UNREACHABLE
   */
  readonly startMany: <I extends Integration>(
    integration: I,
    source: AsyncIterable<BatchItem<InputOf<I>>> | Iterable<BatchItem<InputOf<I>>>,
    options: StartManyOptions,
  ) => FedBatch<ResultOf<I>>;
  /** The handle of a batch by its name; asks nothing yet. */
  readonly batch: <I extends Integration>(integration: I, name: string) => BatchHandle<ResultOf<I>>;
}

/** Makes a {@link PlaybookClient} on a Temporal client. */
export function createPlaybookClient(client: Client): PlaybookClient {
  return {
    start: async (integration, input, options) => {
      const start = startOptions(integration, input, options);
      await startOrFind(client, start);
      return createJobHandle(client, start.workflowId);
    },

    startAndWaitUntilAccepted: async (integration, input, options) => {
      const start = startOptions(integration, input, options);
      const accepted = await startAndAwaitAcceptance(client, start);
      return { job: createJobHandle(client, start.workflowId), accepted };
    },

    job: (integration, key) => createJobHandle(client, jobWorkflowId(integration.service, key)),

    list: (filter = {}) => listJobs(client, filter),

    startMany: (integration, source, options) => startMany(client, integration, source, options),

    batch: ({ service }, name) => createBatchHandle(client, { service, name }),
  };
}

function startOptions(integration: Integration, input: unknown, options: StartOptions): JobStart {
  const { key, unit = key, tags } = options;
  if (!KEY_PATTERN.test(key)) {
    throw new PlaybookError(
      'INVALID_KEY',
      `Key ${JSON.stringify(key.slice(0, 80))} is not valid. Use 1 to 200 printable ASCII characters without spaces, quotes or backslashes.`,
    );
  }
  const { service } = integration;
  const parsed = parseInput(integration, input) as Json;
  const print = fingerprint(parsed);
  const request: JobRequest = {
    service,
    key,
    generation: 1,
    unit,
    input: parsed,
    fingerprint: print,
    ...(tags === undefined ? {} : { tags }),
  };
  return jobStart(request);
}

async function startOrFind(client: Client, start: JobStart): Promise<void> {
  try {
    await translating(() => client.workflow.start<ExternalJob>(EXTERNAL_JOB_WORKFLOW, start));
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await checkSameInput(client, start);
  }
}

async function checkSameInput(client: Client, start: JobStart): Promise<void> {
  const existing = await describeJob(client, start.workflowId);
  const { fingerprint: known } = existing.memo as unknown as JobMemo;
  if (known === start.memo.fingerprint) return;
  const { key, service } = snapshot(existing);
  throw new PlaybookError(
    'IDEMPOTENCY_KEY_REUSED',
    `Key ${key} of ${service} belongs to a job with other input (state ${snapshot(existing).state}). Use a new key for new input.`,
  );
}

async function startAndAwaitAcceptance(client: Client, start: JobStart): Promise<JobAccepted> {
  const operation = new WithStartWorkflowOperation<ExternalJob>(EXTERNAL_JOB_WORKFLOW, {
    ...start,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  try {
    return await translating(() =>
      client.workflow.executeUpdateWithStart<ExternalJob, JobAccepted, [string]>(ACCEPTED_UPDATE, {
        args: [start.memo.fingerprint],
        startWorkflowOperation: operation,
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw acceptanceFailure(error);
    // The job is over already.
    await checkSameInput(client, start);
    return pastAcceptance(client, start.workflowId);
  }
}

async function* listJobs(client: Client, filter: ListFilter): AsyncIterable<JobSnapshot> {
  const clauses = [`WorkflowType = '${EXTERNAL_JOB_WORKFLOW}'`];
  if (filter.service !== undefined) clauses.push(`${SEARCH_ATTRIBUTES.service.name} = '${quoted(filter.service)}'`);
  if (filter.state !== undefined) clauses.push(`${SEARCH_ATTRIBUTES.state.name} = '${filter.state}'`);
  if (filter.unit !== undefined) clauses.push(`${SEARCH_ATTRIBUTES.unit.name} = '${quoted(filter.unit)}'`);
  let left = filter.limit ?? 100;
  if (left <= 0) return;
  try {
    for await (const info of client.workflow.list({ query: clauses.join(' AND ') })) {
      yield snapshot(info);
      left -= 1;
      if (left <= 0) return;
    }
  } catch (error) {
    throw translated(error);
  }
}
