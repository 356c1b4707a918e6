import { duration } from '../slo/say.ts';
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
          ...verdict.watchers.map((watcher) => `- ${watcher.metric}: ${watcher.outcome}. ${watcher.because}`),
        ]),
  ].join('\n');
}
