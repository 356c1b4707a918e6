import type { Route } from '../../contracts/states.ts';
import type { Confidence, Watcher } from '../slo/watchers.ts';
import { DEFAULT_CONFIDENCE, DEFAULT_WATCHERS } from '../slo/watchers.ts';
import type { FreezeWindow } from './freeze.ts';

/** One step of a rollout: who is served, and what must be seen before the next one. */
export interface RolloutStage {
  readonly name: string;
  /** Which jobs are its samples. On the fallback route nothing reaches the service itself. */
  readonly route: Route;
  /** Units admitted whatever the weight, beside those admitted before the rollout. */
  readonly allow: readonly string[];
  /** Share of units, 0 to 10,000; never less than that of the stage before. */
  readonly weightBps: number;
  readonly minSamples: number;
  readonly minSoakMs: number;
  /** How long it may take, approval included. */
  readonly deadlineMs: number;
  /** What then happens: a person is asked, or the rollout is aborted. */
  readonly onDeadline: 'ask' | 'abort';
  /** A person must agree before the next stage. */
  readonly approval: boolean;
  /** Without a new sample for longer than this, nothing passes, and people are told. */
  readonly quietMs: number;
  /** What the stage may spend altogether, in micro-dollars; more aborts. @default the cost watcher's `stageLimitMicros` */
  readonly spendLimitMicros?: number;
  readonly confidence: Confidence;
}

/** A rollout as data. */
export interface RolloutPlan {
  /** What every stage, and the rollout as a whole, is watched for. */
  readonly watchers: readonly Watcher[];
  /** At least one; the last one lets everybody in. */
  readonly stages: readonly RolloutStage[];
  /** What an abort, or a rollout that vanished, leaves. */
  readonly safeWeightBps: number;
  /** How long everybody is watched, with the way back armed, before the rollout is done. */
  readonly bakeMs: number;
  /** How long a weight holds without the rollout saying so again. */
  readonly leaseMs: number;
  /** Times in which no stage begins. */
  readonly freeze: readonly FreezeWindow[];
  /**
   * What becomes, on an abort, of jobs that the service has: they finish, or they are told to cancel. Those not sent yet are
   * admitted anew either way. @default 'drain'
   */
  readonly onAbort?: 'drain' | 'cancel';
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** What a stage has unless the plan says otherwise. */
export const STAGE_DEFAULTS = {
  route: 'live',
  allow: [],
  weightBps: 0,
  minSamples: 100,
  minSoakMs: HOUR_MS,
  deadlineMs: 14 * DAY_MS,
  onDeadline: 'ask',
  approval: false,
  quietMs: 6 * HOUR_MS,
  confidence: DEFAULT_CONFIDENCE,
} as const satisfies Omit<RolloutStage, 'name'>;

/** What a plan has unless it says otherwise. */
export const PLAN_DEFAULTS = {
  watchers: DEFAULT_WATCHERS,
  safeWeightBps: 0,
  bakeMs: DAY_MS,
  leaseMs: 15 * MINUTE_MS,
  freeze: [],
  onAbort: 'drain',
} as const satisfies Omit<RolloutPlan, 'stages'>;

/** The stages of the guide: dev sandbox, internal beta, 1 %, 10 %, 50 %, 100 %. */
export const DEFAULT_PLAN: RolloutPlan = {
  ...PLAN_DEFAULTS,
  stages: [
    { ...STAGE_DEFAULTS, name: 'dev-sandbox', route: 'fallback', minSoakMs: 10 * MINUTE_MS },
    { ...STAGE_DEFAULTS, name: 'internal-beta', allow: ['internal'], approval: true },
    { ...STAGE_DEFAULTS, name: '1-percent', weightBps: 100 },
    { ...STAGE_DEFAULTS, name: '10-percent', weightBps: 1_000 },
    { ...STAGE_DEFAULTS, name: '50-percent', weightBps: 5_000 },
    { ...STAGE_DEFAULTS, name: '100-percent', weightBps: 10_000 },
  ],
};

/** The stages as they are walked: the bake is one of its own, with fresh counters, after the last. */
export function stagesOf(plan: RolloutPlan): readonly RolloutStage[] {
  const last = plan.stages.at(-1);
  if (last === undefined || plan.bakeMs === 0) return plan.stages;
  const bake = {
    ...last,
    name: 'bake',
    approval: false,
    minSoakMs: plan.bakeMs,
    deadlineMs: Math.max(last.deadlineMs, 2 * plan.bakeMs),
  };
  return [...plan.stages, bake];
}

/** What is wrong with a plan that its parts do not show; each with its path. */
export function planProblems(
  plan: RolloutPlan,
): readonly { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const { stages, safeWeightBps } = plan;
  const problems: { path: readonly (string | number)[]; message: string }[] = [];
  stages.forEach((stage, i) => {
    const at = (field: string, message: string): void => void problems.push({ path: ['stages', i, field], message });
    const before = stages[i - 1]?.weightBps ?? 0;
    if (stage.weightBps < before) at('weightBps', `must not be below the stage before (${before})`);
    if (stage.route === 'fallback' && stage.weightBps > 0) at('weightBps', 'must be 0 on the fallback route');
    if (stage.deadlineMs <= stage.minSoakMs) at('deadline', `must be longer than minSoak (${stage.minSoakMs} ms)`);
    if (stage.name === 'bake' || stages.findIndex(({ name }) => name === stage.name) !== i) {
      at('name', 'must be the only stage of that name, and not "bake"');
    }
  });
  const last = stages.at(-1);
  if (last !== undefined && last.weightBps !== 10_000) {
    problems.push({
      path: ['stages', stages.length - 1, 'weightBps'],
      message: 'must be 10000: the last stage lets everybody in',
    });
  }
  if (safeWeightBps > (stages[0]?.weightBps ?? 0)) {
    problems.push({ path: ['safeWeightBps'], message: 'must not be above the weight of the first stage' });
  }
  return problems;
}

/** What a stage is watched for: the plan's watchers, with the stage's own limit on spending. */
export function watchersOf(watchers: readonly Watcher[], { spendLimitMicros }: RolloutStage): readonly Watcher[] {
  if (spendLimitMicros === undefined) return watchers;
  return watchers.map((watcher) =>
    watcher.metric === 'cost' ? { ...watcher, stageLimitMicros: spendLimitMicros } : watcher,
  );
}
