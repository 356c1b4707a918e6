import { describe, expect, it } from '@jest/globals';
import type { Counters, Sample } from '../../../src/rules/slo/counters.ts';
import { countSamples, emptyCounters, mergeCounters } from '../../../src/rules/slo/counters.ts';
import { judgeStage } from '../../../src/rules/slo/stage.ts';
import { judge } from '../../../src/rules/slo/verdict.ts';
import type { Confidence } from '../../../src/rules/slo/watchers.ts';
import { DEFAULT_CONFIDENCE, DEFAULT_WATCHERS } from '../../../src/rules/slo/watchers.ts';
import type { Decision } from './support.ts';
import { byBounds, characteristic, decisionOf, logNormal, oneBucket, runStart, seeded } from './support.ts';

/* How often the verdicts are wrong where it cannot be computed: by seeded runs of the real code. */

const [ERRORS, , COST] = DEFAULT_WATCHERS;

/** How so many runs end, and when. */
function repeat(runs: number, once: () => readonly [end: Decision, n: number]) {
  const ends = Array.from({ length: runs }, once);
  const share = (wanted: Decision): number => ends.filter(([end]) => end === wanted).length / runs;
  const decided = ends.filter(([end]) => end !== undefined).map(([, n]) => n);
  return {
    abort: share('abort'),
    promote: share('promote'),
    open: share(undefined),
    /** Share of runs that were decided by then. */
    by: (n: number): number => decided.filter((end) => end <= n).length / runs,
  };
}

/** Three standard errors of a share that is expected, over so many runs. */
const threeErrors = (share: number, runs: number): number => 3 * Math.sqrt((share * (1 - share)) / runs);

/** Errors in runs of `length`, judged after each error and every fortieth request. */
function watchErrors(random: () => number, share: number, length: number, perBucket: number, confidence: Confidence) {
  const start = runStart(share, length);
  let counters = emptyCounters([ERRORS]);
  let pending: Sample[] = [];
  let left = 0;
  for (let n = 1; n <= 3_000; n++) {
    if (left === 0 && random() < start) left = length;
    const failed = left > 0;
    left -= failed ? 1 : 0;
    pending.push({ atMs: Math.floor(n / perBucket) * 60_000, failed });
    if (!failed && n % 40 !== 0) continue;
    counters = countSamples(counters, pending);
    pending = [];
    const end = decisionOf(judge(ERRORS, counters, confidence).outcome);
    if (end !== undefined) return [end, n] as const;
  }
  return [undefined, 3_000] as const;
}

describe('errors in runs of five, φ measured over the time buckets', () => {
  const RUNS = 80;

  it.each([50, 10])('with %d requests a bucket wrongly aborts 1 %% in at most 2 %% of runs', (perBucket) => {
    const random = seeded(perBucket);
    const found = repeat(RUNS, () => watchErrors(random, 0.01, 5, perBucket, DEFAULT_CONFIDENCE));
    expect(found.abort).toBeLessThanOrEqual(0.02);
    expect(found.promote).toBeGreaterThan(0.75);
  });

  it.each([50, 10])('with %d requests a bucket misses 5 %% in at most 8 %% of runs', (perBucket) => {
    const random = seeded(perBucket + 1);
    const found = repeat(RUNS, () => watchErrors(random, 0.05, 5, perBucket, DEFAULT_CONFIDENCE));
    expect(found.promote + found.open).toBeLessThanOrEqual(0.08);
  });

  it('agrees with the exact chances where φ is fixed', () => {
    const random = seeded(9);
    const fixed = { ...DEFAULT_CONFIDENCE, phi: { floor: 1, ceiling: 1 } };
    const found = repeat(200, () => watchErrors(random, 0.05, 5, 50, fixed));
    const exact = characteristic(
      byBounds((tally) => decisionOf(judge(ERRORS, oneBucket({ errors: tally }), fixed).outcome)),
      0.05,
      1_000,
      5,
    );
    expect(Math.abs(found.abort - exact.abort)).toBeLessThan(threeErrors(exact.abort, 200));
  });
});

/** Log-normal costs, σ = 1, at most the cap; judged after each. "Promote" is what the betting process says, without the objective. */
function watchCost(random: () => number, meanMicros: number, sigma: number, confidence: Confidence) {
  let counters: Counters = emptyCounters([COST]);
  for (let n = 1; n <= 1_000; n++) {
    const costMicros = Math.min(COST.capMicros, Math.round(logNormal(random, meanMicros, sigma)));
    counters = countSamples(counters, [{ atMs: 0, costMicros }]);
    const { abort, promote } = judge(COST, counters, confidence);
    if (abort.evidence >= abort.bound) return ['abort', n] as const;
    if (promote.evidence >= promote.bound) return ['promote', n] as const;
  }
  return [undefined, 1_000] as const;
}

describe('the verdict on cost, log-normal with σ = 1', () => {
  const RUNS = 80;
  const loose = { ...DEFAULT_CONFIDENCE, alpha: 0.01 };

  it.each([
    ['α = 0.01', 80_000, 'abort', 56, loose],
    ['α = 0.01', 150_000, 'abort', 11, loose],
    ['α = 0.01', 20_000, 'promote', 96, loose],
    ['α = 0.001', 80_000, 'abort', 81, DEFAULT_CONFIDENCE],
    ['α = 0.001', 150_000, 'abort', 15, DEFAULT_CONFIDENCE],
  ] as const)(
    'at %s: a mean of %d micro-dollars ends in %s, half of the runs by the %d. request',
    (_, mean, end, median, confidence) => {
      const random = seeded(mean);
      const found = repeat(RUNS, () => watchCost(random, mean, 1, confidence));
      expect(found[end]).toBe(1);
      expect(Math.abs(found.by(median) - 0.5)).toBeLessThan(threeErrors(0.5, RUNS));
    },
  );

  it('stays open at a mean of exactly the abort threshold', () => {
    const random = seeded(7);
    const found = repeat(10, () => watchCost(random, 50_000, 1, loose));
    expect(found.abort).toBeLessThanOrEqual(0.01 + threeErrors(0.01, 10));
    expect(found.open).toBeGreaterThan(0.95);
  });

  it('does not abort a widely spread cost (σ = 1.5), as the mean of the first ten would in 5 % of runs', () => {
    const random = seeded(8);
    const found = repeat(RUNS, () => watchCost(random, 20_000, 1.5, DEFAULT_CONFIDENCE));
    expect(found.abort).toBe(0);
    expect(found.promote).toBe(1);
  });
});

describe('a whole rollout of a good service', () => {
  it('goes through six stages by itself', () => {
    const random = seeded(6);
    const rules = { watchers: DEFAULT_WATCHERS, minSamples: 100, minSoakMs: 60_000 };
    for (let run = 0; run < 2; run++) {
      let before = emptyCounters(DEFAULT_WATCHERS);
      for (let stage = 0, n = 0; stage < 6; stage++) {
        const enteredMs = n * 1_000;
        let counters = emptyCounters(DEFAULT_WATCHERS);
        for (let action = 'hold'; action !== 'promote';) {
          const batch = Array.from({ length: 20 }, (): Sample => {
            const slow = random();
            return {
              atMs: n++ * 1_000,
              failed: random() < 0.002,
              slowObjective: slow < 0.01,
              slowAbort: slow < 0.001,
              costMicros: Math.min(COST.capMicros, Math.round(logNormal(random, 12_000, 1))),
            };
          });
          counters = countSamples(counters, batch);
          const rollout = mergeCounters(before, counters);
          ({ action } = judgeStage(rules, { nowMs: n * 1_000, enteredMs, counters, rollout, outage: false }));
          expect(action).not.toBe('abort');
        }
        before = mergeCounters(before, counters);
      }
    }
  });
});
