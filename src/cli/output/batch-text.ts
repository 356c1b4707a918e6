import type { BatchSummary, BatchView } from '../../client/index.ts';
import { JOB_STATES } from '../../contracts/states.ts';
import { age, count, money, printable } from './format.ts';
import { columns } from './job-text.ts';

const BAR_CELLS = 24;

/** Failed jobs of one code, as a summary shows them. */
export interface FailureGroup {
  readonly code: string;
  readonly jobs: number;
  /** The first of them. */
  readonly example: { readonly key: string; readonly message: string };
}

/** The live line of a batch: how many are in which state, how fast, how long still, what it has cost. */
export function batchProgressLine(
  name: string,
  view: BatchView,
  { perSecond }: { readonly perSecond: number },
): string {
  const ended = view.COMPLETED + view.FAILED + view.CANCELED;
  const share = view.jobs === 0 ? 0 : ended / view.jobs;
  const cells = Math.round(share * BAR_CELLS);
  const bar = `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)}`;
  const open = view.jobs - ended;
  const left = !view.complete || perSecond <= 0 ? '' : `, ${age((open / perSecond) * 1_000)} left`;
  const states = [
    `${view.CREATED} created`,
    `${view.PROCESSING} processing`,
    `${view.COMPLETED} completed`,
    ...(view.FAILED === 0 ? [] : [`${view.FAILED} failed`]),
    ...(view.CANCELED === 0 ? [] : [`${view.CANCELED} canceled`]),
  ].join(', ');
  const of = view.complete ? `${view.jobs}` : `${view.jobs}+`;
  return `${bar} ${name}  ${ended} of ${of}: ${states}  ${perSecond.toFixed(0)}/s${left}  ${money(view.costMicros)}`;
}

/** What came of a batch, with its failures by code. */
export function batchSummary(
  name: string,
  counts: {
    readonly jobs: number;
    readonly completed: number;
    readonly costMicros: number;
    readonly tookMs: number | null;
  },
  failures: readonly FailureGroup[],
): string {
  const failed = counts.jobs - counts.completed;
  const took = counts.tookMs === null ? '' : ` in ${age(counts.tookMs)}`;
  const lines = [
    `Batch ${name}: ${count(counts.jobs, 'job')}${took}, ${counts.completed} completed, ${failed} not; ${money(counts.costMicros)}`,
    ...failures.map(
      ({ code, jobs, example }) => `  ${code}  ${jobs}  such as ${example.key}: ${printable(example.message)}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** Batches in columns, for people: how many jobs of each are in which state. */
export function batchTable(batches: readonly BatchSummary[]): string {
  const rows = batches.map(({ service, name, view }) => [
    `batch/${service}/${name}`,
    view.complete ? String(view.jobs) : `${view.jobs}+`,
    ...JOB_STATES.map((state) => String(view[state])),
    view.startedMs === null ? '-' : new Date(view.startedMs).toISOString().slice(0, 19).replace('T', ' '),
    money(view.costMicros),
  ]);
  return columns([['BATCH', 'JOBS', ...JOB_STATES, 'STARTED (UTC)', 'COST'], ...rows]);
}
