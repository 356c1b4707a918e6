import { dollars, duration, estimate, percent, short } from '../slo/say.ts';
import type { GateReading, WatcherVerdict } from '../slo/verdict.ts';
import type { RolloutView } from './messages.ts';

const MARKS = { past: '✔', now: '▶', ahead: '·' } as const;

/** A rollout as Markdown, which reads well on a terminal, too. */
export function describeRollout(view: RolloutView, nowMs?: number): string {
  const { service, id, phase, stages, stageIndex, because, verdict, revision, enteredMs } = view;
  const list = stages.map(({ name, weightBps }, i) => {
    const mark = i < stageIndex ? MARKS.past : i === stageIndex ? MARKS.now : MARKS.ahead;
    return `- ${mark} ${name} (${weightBps / 100} %)`;
  });
  const age =
    nowMs === undefined || enteredMs === undefined ? '' : `, in this stage for ${duration(nowMs - enteredMs)}`;
  return [
    `### Rollout ${id} of ${service}`,
    '',
    `**${phase}** (revision ${revision}${age}): ${because}`,
    '',
    ...list,
    ...(verdict === undefined
      ? []
      : [
          '',
          `Verdict so far: ${verdict.outcome}. ${verdict.because}`,
          '',
          ...verdict.watchers.flatMap(describeWatcher),
        ]),
  ].join('\n');
}

/** A watcher's estimate with its interval against both thresholds, and how far the evidence is. */
function describeWatcher({ metric, outcome, because, abort, promote }: WatcherVerdict): readonly string[] {
  const unit = metric === 'cost' ? dollars : percent;
  const reading = (question: string, limit: string, { n, point, interval, evidence, bound, ...more }: GateReading) => {
    const seen =
      point === undefined || interval === undefined ? 'no samples' : `${estimate(point, interval, unit)} of ${n}`;
    const far = Math.max(0, evidence);
    return `  - ${question} ${bar(far / bound)} ${short(far)} of ${short(bound)}: ${seen}, ${limit} ${unit(more.limit)}`;
  };
  return [
    `- ${metric}: ${outcome}. ${because}`,
    reading('promote', 'at most', promote),
    reading('abort', 'too bad at', abort),
  ];
}

const CELLS = 10;

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * CELLS);
  return '█'.repeat(full) + '░'.repeat(CELLS - full);
}
