import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import {
  batchPrefix,
  batchWorkflowId,
  JOB_BATCH_WORKFLOW,
  type BatchCounts,
  type BatchInput,
  type BatchMemo,
  type BatchResult,
} from '../contracts/batch.ts';
import { PlaybookError } from '../contracts/errors.ts';
import { WORKFLOW_QUEUE } from '../contracts/queues.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { keyFilter } from '../rules/key-filter.ts';
import type { PackedPart } from './batch-pack.ts';
import { translating } from './errors.ts';
import { describeJob } from './job-snapshot.ts';
import { quoted } from './quoted.ts';

type JobBatch = (input: BatchInput) => Promise<BatchResult>;

/** Batches give way to single jobs: Temporal hands out tasks of a lower number first, 3 without one. */
const BATCH_PRIORITY = 4;

/** What all parts of a batch have in common. */
export interface BatchOf {
  readonly service: string;
  readonly name: string;
  readonly unit?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/**
 * Starts one part, or finds it.
 * @throws PlaybookError IDEMPOTENCY_KEY_REUSED when another part is there under its name
 */
export async function startPart(client: Client, batch: BatchOf, packed: PackedPart): Promise<void> {
  const { service, name, unit, tags } = batch;
  const { part, jobs, last, digest } = packed;
  const workflowId = batchWorkflowId({ service, name, part });
  const more = tags === undefined ? {} : { tags };
  const size = jobs.length;
  const counts: BatchCounts = {
    CREATED: size,
    PROCESSING: 0,
    COMPLETED: 0,
    FAILED: 0,
    CANCELED: 0,
    costMicros: 0,
    errors: {},
  };
  const keys = keyFilter(jobs.map(({ key }) => key));
  const memo: BatchMemo = { batch: name, part, size, last, digest, keys, counts, ...more };
  try {
    await translating(() =>
      client.workflow.start<JobBatch>(JOB_BATCH_WORKFLOW, {
        workflowId,
        taskQueue: WORKFLOW_QUEUE,
        args: [{ service, name, part, jobs, ...more }],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        memo: { ...memo },
        priority: { priorityKey: BATCH_PRIORITY },
        staticSummary: `${service}: batch ${name}, part ${part}, ${size} jobs`,
        typedSearchAttributes: [
          { key: SEARCH_ATTRIBUTES.service, value: service },
          { key: SEARCH_ATTRIBUTES.state, value: 'PROCESSING' },
          ...(unit === undefined ? [] : [{ key: SEARCH_ATTRIBUTES.unit, value: unit }]),
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const known = memoOf(await describeJob(client, workflowId));
    // It is the last one only if nothing came after it: a caller who brings more than before is told so.
    if (known.digest === digest && known.last === last) return;
    throw new PlaybookError(
      'IDEMPOTENCY_KEY_REUSED',
      `Batch ${name} of ${service} is there with other jobs (part ${part}). Use a new name for other jobs, or the first jobs for this name.`,
    );
  }
}

/** One part as visibility knows it. */
export interface PartInfo {
  readonly workflowId: string;
  readonly runId: string;
  readonly firstRunId: string;
  readonly running: boolean;
  /** Its workflow was terminated or failed: jobs that were open have no end. */
  readonly broken: boolean;
  readonly startedMs: number;
  readonly closedMs: number | undefined;
  readonly memo: BatchMemo;
}

export function memoOf({ memo }: Pick<WorkflowExecutionInfo, 'memo'>): BatchMemo {
  return memo as unknown as BatchMemo;
}

function partInfo(info: Omit<WorkflowExecutionInfo, 'raw'>, firstRunId: string | null | undefined): PartInfo {
  const { name } = info.status;
  return {
    workflowId: info.workflowId,
    runId: info.runId,
    firstRunId: firstRunId || info.runId,
    running: name === 'RUNNING',
    broken: name !== 'RUNNING' && name !== 'COMPLETED',
    startedMs: info.startTime.getTime(),
    closedMs: info.closeTime?.getTime(),
    memo: memoOf(info),
  };
}

/** Query of parts, of one service and batch or of all; earlier runs of a part that continued as new are left out. */
export function partsQuery(service?: string, name?: string, more = ''): string {
  const clauses = [`WorkflowType = '${JOB_BATCH_WORKFLOW}'`, `ExecutionStatus != 'ContinuedAsNew'`];
  if (service !== undefined) clauses.push(`${SEARCH_ATTRIBUTES.service.name} = '${quoted(service)}'`);
  if (service !== undefined && name !== undefined)
    clauses.push(`WorkflowId STARTS_WITH '${batchPrefix(service, name)}'`);
  return clauses.join(' AND ') + more;
}

/** Parts by their ids, from the first: exact where visibility is still behind, at a request each. */
export async function* partsById(client: Client, service: string, name: string): AsyncGenerator<PartInfo, void> {
  for (let part = 0; ; part += 1) {
    const handle = client.workflow.getHandle(batchWorkflowId({ service, name, part }));
    try {
      const info = await handle.describe();
      yield partInfo(info, info.raw.workflowExecutionInfo?.firstRunId);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return;
      throw error;
    }
  }
}

/** Lists parts, in no particular order. */
export async function* listParts(client: Client, query: string): AsyncGenerator<PartInfo, void> {
  for await (const info of client.workflow.list({ query, pageSize: 500 })) yield partInfo(info, info.raw.firstRunId);
}
