import { INITIAL_CONTROL, type ControlState } from '../../../src/contracts/control.ts';
import { nothingCollected } from '../../../src/rules/rollout/collect.ts';
import type { Seen } from '../../../src/rules/rollout/machine.ts';
import { markOf, type Before, type RolloutInput } from '../../../src/rules/rollout/messages.ts';
import { PLAN_DEFAULTS, STAGE_DEFAULTS, type RolloutPlan } from '../../../src/rules/rollout/plan.ts';
import { judgeStage } from '../../../src/rules/slo/stage.ts';

/** Three stages and a bake, quick. */
export const SMALL_PLAN: RolloutPlan = {
  ...PLAN_DEFAULTS,
  bakeMs: 60_000,
  stages: [
    { ...STAGE_DEFAULTS, name: 'beta', allow: ['internal'], approval: true },
    { ...STAGE_DEFAULTS, name: 'tenth', weightBps: 1_000 },
    { ...STAGE_DEFAULTS, name: 'all', weightBps: 10_000, onDeadline: 'abort' },
  ],
};

export const WHO = { actor: 'ana', reason: 'a test' };

/** What was seen of a stage of which nothing is known. */
export function seen(because?: string): Seen {
  const collected = nothingCollected(SMALL_PLAN.watchers);
  const verdict = judgeStage(
    { watchers: SMALL_PLAN.watchers, minSamples: 1, minSoakMs: 1 },
    { nowMs: 0, enteredMs: 0, counters: collected.stage, outage: false },
  );
  return { collected, verdict: because === undefined ? verdict : { ...verdict, because } };
}

export function inputFor(service: string, control: ControlState = INITIAL_CONTROL, plan = SMALL_PLAN): RolloutInput {
  const { enabled, weightBps, allow }: Before = control;
  return {
    service,
    plan,
    who: WHO,
    before: { enabled, weightBps, allow },
    mark: markOf(control),
    attempt: 1,
    tells: true,
  };
}
