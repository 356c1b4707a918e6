import { describe, expect, it } from '@jest/globals';
import { watchersOf, DEFAULT_PLAN, stagesOf } from '../../../src/rules/rollout/plan.ts';
import { countSamples, emptyCounters, mergeCounters } from '../../../src/rules/slo/counters.ts';
import type { Sample } from '../../../src/rules/slo/counters.ts';
import { judgeStage } from '../../../src/rules/slo/stage.ts';
import { DEFAULT_WATCHERS } from '../../../src/rules/slo/watchers.ts';
import { logNormal, runStart, seeded } from './support.ts';

/*
 * The default plan from its first stage to the end of its bake, by the real verdicts, for a service that is exactly at its objectives: 1 %
 * of errors, 1 % slower than 10 s, a mean of $0.02. Such a service often cannot pass; a person promotes it then, which skips no abort.
 */

const RUNS = 500;
const [, , COST] = DEFAULT_WATCHERS;
const MOST_PER_STAGE = 600;

/** Whether a rollout is aborted. Errors come in runs of `length`, a request a second, judged every thirty. */
function isAborted(random: () => number, length: number): boolean {
  const start = runStart(0.01, length);
  let before = emptyCounters(DEFAULT_WATCHERS);
  let [second, left] = [0, 0];
  for (const stage of stagesOf(DEFAULT_PLAN)) {
    const enteredMs = second * 1_000;
    let counters = emptyCounters(DEFAULT_WATCHERS);
    for (let n = 0, action = 'hold'; action !== 'promote' && n < MOST_PER_STAGE; n += 30) {
      const batch = Array.from({ length: 30 }, (): Sample => {
        second += 1;
        if (left === 0 && random() < start) left = length;
        const failed = left > 0;
        left -= failed ? 1 : 0;
        const slow = random() < 0.01;
        const costMicros = Math.min(COST.capMicros, Math.round(logNormal(random, 20_000, 1)));
        return { atMs: second * 1_000, failed, slowObjective: slow, slowAbort: slow, costMicros };
      });
      counters = countSamples(counters, batch);
      const rollout = mergeCounters(before, counters);
      const facts = { nowMs: second * 1_000, enteredMs, counters, rollout, outage: false };
      ({ action } = judgeStage({ ...stage, watchers: watchersOf(DEFAULT_WATCHERS, stage), minSoakMs: 0 }, facts));
      if (action === 'abort') return true;
    }
    before = mergeCounters(before, counters);
  }
  return false;
}

describe('the whole default plan, for a service exactly at its objectives', () => {
  it.each([1, 5])(
    'is wrongly aborted in at most 2 %% of rollouts, errors in runs of %d',
    (length) => {
      const random = seeded(40 + length);
      const aborted = Array.from({ length: RUNS }, () => isAborted(random, length)).filter(Boolean).length;
      expect(aborted / RUNS).toBeLessThanOrEqual(0.02);
    },
    240_000,
  );
});
