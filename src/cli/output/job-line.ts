import type { BatchSummary, JobAnswer, JobSnapshot } from '../../client/index.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { Route } from '../../contracts/states.ts';

/** How one job stands, as `--json` prints it. Others script against this shape. */
export interface JobLine {
  readonly service: string;
  readonly key: string;
  readonly workflowId: string;
  readonly externalId: string | null;
  readonly state: 'COMPLETED' | 'FAILED' | 'CANCELED' | 'PENDING';
  readonly route: Route | null;
  readonly result: unknown;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  readonly polls: number;
  readonly webhooks: number;
  readonly latencyMs: number;
  readonly costUsd: number;
}

/** A job that has ended. */
export function endedLine(answer: Exclude<JobAnswer<unknown>, { readonly state: 'PENDING' }>): JobLine {
  const { service, key, workflowId, externalId, state, route, result, error, polls, webhooks, latencyMs } = answer;
  const costUsd = answer.costMicros / 1e6;
  return { service, key, workflowId, externalId, state, route, result, error, polls, webhooks, latencyMs, costUsd };
}

/** A job that goes on. */
export function pendingLine(
  job: JobSnapshot,
  counts: { readonly polls: number; readonly webhooks: number },
  nowMs: number,
): JobLine {
  const { service, key, workflowId, externalId, route } = job;
  return {
    service,
    key,
    workflowId,
    externalId,
    state: 'PENDING',
    route,
    result: null,
    error: null,
    ...counts,
    latencyMs: Math.max(0, nowMs - Date.parse(job.startedAt)),
    costUsd: (job.costMicros ?? 0) / 1e6,
  };
}

/** A job that could not be started: nothing was sent. */
export function refusedLine(
  job: { readonly service: string; readonly key: string; readonly workflowId: string },
  error: { readonly code: ErrorCode; readonly message: string },
): JobLine {
  return {
    ...job,
    externalId: null,
    state: 'FAILED',
    route: null,
    result: null,
    error: { code: error.code, message: error.message },
    polls: 0,
    webhooks: 0,
    latencyMs: 0,
    costUsd: 0,
  };
}

/** What is known of a job without its result, as `playbook jobs` prints it with `--json`. */
export function snapshotLine({ costMicros, ...job }: JobSnapshot): object {
  return { ...job, costUsd: costMicros === null ? null : costMicros / 1e6 };
}

/** A batch, as `playbook jobs` prints it with `--json`: counts by state. */
export function batchLine({ service, name, view }: BatchSummary): object {
  const { startedMs, closedMs, costMicros, ...counts } = view;
  return {
    service,
    batch: name,
    workflowId: `batch/${service}/${name}`,
    ...counts,
    startedAt: isoOf(startedMs),
    closedAt: isoOf(closedMs),
    costUsd: costMicros / 1e6,
  };
}

function isoOf(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
