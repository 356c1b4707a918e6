import type { BatchJobFound, JobSnapshot } from '../../client/index.ts';
import { dollars, printable, seconds } from './format.ts';

/** One job, for people. */
export function jobDetails(job: JobSnapshot): string {
  const rows: readonly (readonly [string, string | null])[] = [
    ['job', job.workflowId],
    ['state', job.errorCode === null ? job.state : `${job.state} (${job.errorCode})`],
    ['external id', job.externalId],
    ['generation', String(job.generation)],
    ['route', job.route],
    ['unit', job.unit],
    ['started', job.startedAt],
    ['closed', job.closedAt],
    ['latency', job.latencyMs === null ? null : seconds(job.latencyMs)],
    ['cost', job.costMicros === null ? null : dollars(job.costMicros)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${printable(value ?? '-')}\n`).join('');
}

/** One job of a batch, for people. */
export function batchJobDetails({ batch, part, workflowId, unit, startedMs, status }: BatchJobFound): string {
  const outcome = status?.outcome ?? null;
  const rows: readonly (readonly [string, string | null])[] = [
    ['in batch', `${batch}, part ${part} (${workflowId})`],
    ['state', status === null ? 'under way; no worker says more' : status.state],
    [
      'error',
      outcome?.error === undefined || outcome.error === null ? null : `${outcome.error.code}: ${outcome.error.message}`,
    ],
    ['external id', status?.externalId ?? null],
    ['generation', status === null ? null : String(status.generation)],
    ['route', status?.route ?? null],
    ['unit', unit],
    ['started', new Date(startedMs).toISOString()],
    ['latency', outcome === null ? null : seconds(outcome.latencyMs)],
    ['cost', outcome === null ? null : dollars(outcome.costMicros)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${printable(value ?? '-')}\n`).join('');
}

/** Jobs in columns, for people. */
export function jobTable(jobs: readonly JobSnapshot[]): string {
  if (jobs.length === 0) return 'No jobs.\n';
  const rows = jobs.map((job) => [
    job.state,
    job.workflowId,
    job.route ?? '-',
    job.externalId ?? '-',
    job.startedAt.slice(0, 19).replace('T', ' '),
    job.latencyMs === null ? '-' : seconds(job.latencyMs),
    job.errorCode ?? '',
  ]);
  return columns([['STATE', 'JOB', 'ROUTE', 'EXTERNAL ID', 'STARTED (UTC)', 'LATENCY', 'ERROR'], ...rows]);
}

/** Text in columns as wide as they need to be. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, index) => printable(cell).padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
