import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { ErrorCode } from '../contracts/errors.ts';
import { EXTERNAL_JOB_WORKFLOW } from '../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { SampledJob } from '../rules/rollout/collect.ts';
import { listParts, partsQuery } from './batch-parts.ts';
import { partSamples } from './batch-samples.ts';
import { translating } from './errors.ts';
import { snapshot } from './job-snapshot.ts';

/** What a job may fail with that says nothing of the service. */
const EXCUSED: ReadonlySet<string> = new Set<ErrorCode>([
  'INVALID_INPUT',
  'FILE_NOT_FOUND',
  'FILE_CHANGED',
  'VALIDATION',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'INTEGRATION_DISABLED',
  'CANCELED',
  'REMOTE_CANCELED',
]);

/**
 * The jobs of a rollout that run, or ended at or after a time, from visibility: some tens of milliseconds late.
 * @throws PlaybookError TEMPORAL_UNREACHABLE
 */
export async function readStageJobs(
  client: Client,
  { service, rollout, fromMs }: { readonly service: string; readonly rollout: string; readonly fromMs: number },
): Promise<readonly SampledJob[]> {
  const { service: serviceKey, stage: stageKey, route: routeKey } = SEARCH_ATTRIBUTES;
  const ofRollout = [
    `${stageKey.name} STARTS_WITH '${rollout}:'`,
    `(ExecutionStatus = 'Running' OR CloseTime >= '${new Date(fromMs).toISOString()}')`,
  ].join(' AND ');
  const query = `WorkflowType = '${EXTERNAL_JOB_WORKFLOW}' AND ${serviceKey.name} = '${service}' AND ${ofRollout}`;
  const jobs: SampledJob[] = [];
  await translating(async () => {
    for await (const info of client.workflow.list({ query, pageSize: 1_000 })) {
      const { state, errorCode, costMicros } = snapshot(info);
      const { closeTime, runId, startTime, status, workflowId } = info;
      const isExcused = status.name === 'TERMINATED' || state === 'CANCELED' || EXCUSED.has(errorCode ?? '');
      jobs.push({
        workflowId,
        runId,
        stage: info.typedSearchAttributes.get(stageKey) ?? '',
        route: info.typedSearchAttributes.get(routeKey) === 'fallback' ? 'fallback' : 'live',
        startedMs: startTime.getTime(),
        ...(closeTime === undefined
          ? {}
          : { finishedMs: closeTime.getTime(), end: isExcused ? 'excused' : state === 'COMPLETED' ? 'good' : 'bad' }),
        ...(costMicros === null ? {} : { costMicros }),
      });
    }
    for await (const part of listParts(client, partsQuery(service, undefined, ` AND ${ofRollout}`))) {
      jobs.push(...partSamples(part, (code) => EXCUSED.has(code)));
    }
  });
  return jobs;
}

/** Asks a job to cancel; one that has ended needs no telling. */
export async function cancelJob(client: Client, workflowId: string): Promise<void> {
  try {
    await translating(() => client.workflow.getHandle(workflowId).cancel());
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
