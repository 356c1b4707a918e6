import { describe, expect, it } from '@jest/globals';
import { DEFAULT_WATCHERS, watcherProblems } from '../../../src/rules/slo/watchers.ts';

const [ERRORS, LATENCY, COST] = DEFAULT_WATCHERS;

describe("a watcher's numbers", () => {
  it.each([...DEFAULT_WATCHERS, { ...COST, stageLimitMicros: 5_000_000 }])('are right: %j', (watcher) => {
    expect(watcherProblems(watcher)).toEqual([]);
  });

  it.each([
    [{ ...ERRORS, objective: 0 }, ['0 < objective < abort < 1 must hold (got 0, 0.05)']],
    [{ ...ERRORS, objective: 0.05 }, ['0 < objective < abort < 1 must hold (got 0.05, 0.05)']],
    [{ ...ERRORS, abort: 1 }, ['0 < objective < abort < 1 must hold (got 0.01, 1)']],
    [{ ...ERRORS, abort: Number.NaN }, ['0 < objective < abort < 1 must hold (got 0.01, NaN)']],
    [
      { ...LATENCY, percentile: 95, abortMs: 4_000 },
      ['0 < percentile < 1 must hold (got 95)', '0 < objectiveMs < abortMs must hold (got 5000, 4000)'],
    ],
    [
      { ...COST, capMicros: 50_000, stageLimitMicros: 0 },
      [
        '0 < objectiveMicros < abortMicros < capMicros must hold (got 20000, 50000, 50000)',
        '0 < stageLimitMicros must hold (got 0)',
      ],
    ],
  ])('are wrong, and it says why: %j', (watcher, problems) => {
    expect(watcherProblems(watcher)).toEqual(problems);
  });
});
