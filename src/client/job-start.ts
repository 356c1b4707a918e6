import type { WorkflowStartOptions } from '@temporalio/client';
import { jobWorkflowId } from '../contracts/ids.ts';
import type { JobOutcome, JobRequest } from '../contracts/jobs.ts';
import type { JobMemo } from '../contracts/messages.ts';
import { WORKFLOW_QUEUE } from '../contracts/queues.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';

/** The `externalJob` workflow, as a client sees it. */
export type ExternalJob = (request: JobRequest) => Promise<JobOutcome>;

/** All it takes to start one job. */
export type JobStart = WorkflowStartOptions<ExternalJob> & {
  readonly workflowId: string;
  readonly memo: JobMemo & Record<string, unknown>;
};

/**
 * How a job's workflow is started. A first generation never replaces anything; a later one replaces a run that failed or was
 * canceled, and nothing else.
 */
export function jobStart(request: JobRequest): JobStart {
  const { service, key, generation, unit, tags, fingerprint } = request;
  return {
    workflowId: jobWorkflowId(service, key),
    taskQueue: WORKFLOW_QUEUE,
    args: [request],
    workflowIdReusePolicy: generation === 1 ? 'REJECT_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'FAIL',
    memo: { generation, fingerprint, ...(tags === undefined ? {} : { tags }) },
    staticSummary: `${service}: ${key}${generation === 1 ? '' : `, generation ${generation}`}`,
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTES.service, value: service },
      { key: SEARCH_ATTRIBUTES.state, value: 'CREATED' },
      { key: SEARCH_ATTRIBUTES.unit, value: unit },
    ],
  };
}
