import type { JobStatus } from '../contracts/jobs.ts';
import type { Admitted } from './job-progress.ts';

/** The job's page in the Web UI, as Markdown: what an engineer wants to know before reading any history. */
export function describeJob(status: JobStatus, admitted: Admitted | undefined): string {
  const rows: readonly (readonly [string, string])[] = [
    ['state', `**${status.state}**`],
    ['now', status.activity],
    ['external id', status.externalId ?? 'none yet'],
    ['key', `${status.key} (generation ${status.generation})`],
    ['route', admitted === undefined ? 'undecided' : `${admitted.route}: ${admitted.reason}`],
    ['polls', String(status.polls)],
    ['webhooks', String(status.webhooks)],
  ];
  const lines = rows.map(([name, value]) => `| ${name} | ${value.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`);
  return [`### ${status.service} job`, '', '| | |', '| --- | --- |', ...lines].join('\n');
}
