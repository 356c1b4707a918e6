import { describe, expect, it } from '@jest/globals';
import { frozenUntil } from '../../../src/rules/rollout/freeze.ts';
import { DEFAULT_PLAN, planProblems, stagesOf, STAGE_DEFAULTS } from '../../../src/rules/rollout/plan.ts';

const DAY_MS = 86_400_000;
const at = (iso: string): number => Date.parse(iso);

describe('the default plan', () => {
  it('is the guide’s: dev sandbox, internal beta, 1 %, 10 %, 50 %, 100 %, with its watchers', () => {
    expect(DEFAULT_PLAN.stages.map(({ name, route, weightBps }) => [name, route, weightBps])).toEqual([
      ['dev-sandbox', 'fallback', 0],
      ['internal-beta', 'live', 0],
      ['1-percent', 'live', 100],
      ['10-percent', 'live', 1_000],
      ['50-percent', 'live', 5_000],
      ['100-percent', 'live', 10_000],
    ]);
    expect(DEFAULT_PLAN.watchers).toMatchObject([
      { metric: 'errors', objective: 0.01, abort: 0.05 },
      { metric: 'latency', percentile: 0.95, objectiveMs: 5_000, abortMs: 10_000 },
      { metric: 'cost', objectiveMicros: 20_000, abortMicros: 50_000 },
    ]);
    expect(planProblems(DEFAULT_PLAN)).toEqual([]);
  });

  it('ends with a bake under the last stage’s rules, unless there is none', () => {
    expect(stagesOf(DEFAULT_PLAN).at(-1)).toMatchObject({
      name: 'bake',
      weightBps: 10_000,
      minSoakMs: DEFAULT_PLAN.bakeMs,
      approval: false,
    });
    expect(stagesOf({ ...DEFAULT_PLAN, bakeMs: 0 })).toBe(DEFAULT_PLAN.stages);
  });
});

const stage = (more: object) => ({ ...STAGE_DEFAULTS, name: 'all', weightBps: 10_000, ...more });

describe('a plan’s problems', () => {
  it('are all told, each with its path', () => {
    const plan = {
      ...DEFAULT_PLAN,
      safeWeightBps: 600,
      stages: [
        stage({ name: 'half', weightBps: 500 }),
        stage({ name: 'half', weightBps: 400, deadlineMs: 5, minSoakMs: 5 }),
        stage({ name: 'bake', route: 'fallback', weightBps: 9_000 }),
      ],
    };
    expect(planProblems(plan).map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
      'stages.1.weightBps: must not be below the stage before (500)',
      'stages.1.deadline: must be longer than minSoak (5 ms)',
      'stages.1.name: must be the only stage of that name, and not "bake"',
      'stages.2.weightBps: must be 0 on the fallback route',
      'stages.2.name: must be the only stage of that name, and not "bake"',
      'stages.2.weightBps: must be 10000: the last stage lets everybody in',
      'safeWeightBps: must not be above the weight of the first stage',
    ]);
  });
});

describe('a freeze', () => {
  const windows = [
    { fromMs: at('2026-12-24T12:00:00Z'), toMs: at('2026-12-27T00:00:00Z') },
    { weekly: ['sat', 'sun'] as const },
  ];

  it('ends where its windows end, those that meet taken together', () => {
    // 2026-12-24 is a Thursday; the window ends as a Sunday begins.
    expect(frozenUntil(windows, at('2026-12-24T12:00:00Z'))).toBe(at('2026-12-28T00:00:00Z'));
    expect(frozenUntil(windows, at('2026-12-24T11:59:59.999Z'))).toBeUndefined();
    expect(frozenUntil(windows, at('2026-12-28T00:00:00Z'))).toBeUndefined();
    expect(frozenUntil(windows, at('2026-11-28T13:00:00Z'))).toBe(at('2026-11-30T00:00:00Z'));
    expect(frozenUntil([], 0)).toBeUndefined();
  });

  it('of every day of the week is not looked into without end', () => {
    const always = [{ weekly: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const }];
    expect(frozenUntil(always, 0)).toBe(400 * DAY_MS);
  });
});
