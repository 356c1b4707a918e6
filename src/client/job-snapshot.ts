import {
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { PlaybookError } from '../contracts/errors.ts';
import { parseJobWorkflowId } from '../contracts/ids.ts';
import type { JobMemo } from '../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { JOB_STATES, type JobState, type Route } from '../contracts/states.ts';
import { translating } from './errors.ts';

/** A job as the server knows it, read without a worker. */
export interface JobSnapshot {
  readonly service: string;
  readonly key: string;
  readonly generation: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly state: JobState;
  readonly externalId: string | null;
  readonly route: Route | null;
  readonly unit: string | null;
  readonly errorCode: string | null;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly latencyMs: number | null;
  readonly costMicros: number | null;
}

type Info = Omit<WorkflowExecutionInfo, 'raw'>;

/** Reads what a job published about itself. */
export function snapshot(info: Info): JobSnapshot {
  const { service, key } = parseJobWorkflowId(info.workflowId) ?? { service: '', key: info.workflowId };
  const attributes = info.typedSearchAttributes;
  const memo = info.memo as Partial<JobMemo> | undefined;
  return {
    service,
    key,
    generation: memo?.generation ?? 1,
    workflowId: info.workflowId,
    runId: info.runId,
    state: stateOf(info),
    externalId: attributes.get(SEARCH_ATTRIBUTES.externalId) ?? null,
    route: (attributes.get(SEARCH_ATTRIBUTES.route) as Route | undefined) ?? null,
    unit: attributes.get(SEARCH_ATTRIBUTES.unit) ?? null,
    errorCode: attributes.get(SEARCH_ATTRIBUTES.errorCode) ?? null,
    startedAt: info.startTime.toISOString(),
    closedAt: info.closeTime?.toISOString() ?? null,
    latencyMs: attributes.get(SEARCH_ATTRIBUTES.latencyMs) ?? null,
    costMicros: attributes.get(SEARCH_ATTRIBUTES.costMicros) ?? null,
  };
}

function stateOf(info: Info): JobState {
  const published = info.typedSearchAttributes.get(SEARCH_ATTRIBUTES.state);
  switch (info.status.name) {
    case 'COMPLETED':
      return 'COMPLETED';
    case 'CANCELLED':
      return 'CANCELED';
    case 'FAILED':
      // A job the service canceled fails its workflow, and says CANCELED of itself.
      return published === 'CANCELED' ? 'CANCELED' : 'FAILED';
    case 'TERMINATED':
    case 'TIMED_OUT':
      return 'FAILED';
    default:
      return JOB_STATES.find((state) => state === published) ?? 'CREATED';
  }
}

/** Describes a job's latest generation. @throws PlaybookError JOB_NOT_FOUND */
export async function describeJob(client: Client, workflowId: string): Promise<WorkflowExecutionDescription> {
  try {
    return await translating(() => client.workflow.getHandle(workflowId).describe());
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new PlaybookError('JOB_NOT_FOUND', `No job ${workflowId} is known here. Check service and key.`, {
      cause: error,
    });
  }
}
