import type { JobState } from '../contracts/states.ts';
import type { BatchProgress } from './batch-progress.ts';

const STATES: readonly JobState[] = ['CREATED', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELED'];

/** A part's page in the Web UI, as Markdown. */
export function describeBatch(progress: BatchProgress, nowMs: number): string {
  const { input, startedAtMs, open } = progress;
  const counts = progress.counts();
  const seconds = Math.max(0.001, (nowMs - startedAtMs) / 1_000);
  const ended = counts.COMPLETED + counts.FAILED + counts.CANCELED;
  const [oldest] = open.values();
  const waiting =
    oldest === undefined
      ? 'none'
      : `${oldest.job.request.key}, ${oldest.job.state} for ${Math.round(seconds)} s` +
        (oldest.job.externalId === null ? '' : `, at the service as ${oldest.job.externalId}`);
  const rows: readonly (readonly [string, string])[] = [
    ...STATES.map((state) => [state, `**${counts[state]}**`] as const),
    ['rate', `${(ended / seconds).toFixed(1)} per second`],
    ['oldest waiting', waiting],
    ['cost', `$${(counts.costMicros / 1_000_000).toFixed(4)}`],
    ...Object.entries(counts.errors).map(([code, count]) => [code, String(count)] as const),
    ['one job', `\`playbook jobs status ${input.service}/<key>\`, or the query \`job\` with its key`],
  ];
  const lines = rows.map(([name, value]) => `| ${name} | ${value.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`);
  const title = `### ${input.service} batch ${input.name}, part ${input.part}: ${progress.total} jobs`;
  return [title, '', '| | |', '| --- | --- |', ...lines].join('\n');
}
