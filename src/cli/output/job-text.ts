import type { JobSnapshot } from '../../client/index.ts';
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
