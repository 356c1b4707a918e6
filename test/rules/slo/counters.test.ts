import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Sample } from '../../../src/rules/slo/counters.ts';
import {
  countSamples,
  emptyCounters,
  MAX_BUCKETS,
  mergeCounters,
  series,
  total,
} from '../../../src/rules/slo/counters.ts';
import { DEFAULT_WATCHERS } from '../../../src/rules/slo/watchers.ts';

const EMPTY = emptyCounters(DEFAULT_WATCHERS, 30_000);

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const sample: fc.Arbitrary<Sample> = fc
  .record({
    atMs: fc.integer({ min: 0, max: 10_000_000 }),
    failed: maybe(fc.boolean()),
    slowObjective: maybe(fc.boolean()),
    slowAbort: maybe(fc.boolean()),
    costMicros: maybe(fc.integer({ min: 0, max: 600_000 })),
  })
  .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never);

describe('counters', () => {
  it('count each field of a sample in the bucket of its time', () => {
    const counters = countSamples(EMPTY, [
      { atMs: 30_000, failed: true, slowObjective: true, slowAbort: false, costMicros: 20_000 },
      { atMs: 59_999, failed: false },
      { atMs: 29_999, slowAbort: true },
    ]);
    expect(counters.buckets).toEqual([
      { startMs: 0, errors: { n: 0, k: 0 }, slowObjective: { n: 0, k: 0 }, slowAbort: { n: 1, k: 1 } },
      { startMs: 30_000, errors: { n: 2, k: 1 }, slowObjective: { n: 1, k: 1 }, slowAbort: { n: 1, k: 0 } },
    ]);
    expect(counters.newestMs).toBe(59_999);
    expect(counters.cost).toMatchObject({ n: 1, sumMicros: 20_000, maxMicros: 20_000, overCap: 0 });
    expect(series(counters, 'errors')).toEqual([{ n: 2, k: 1 }]);
  });

  it('are the same bit for bit in any order and in any parts', () => {
    fc.assert(
      fc.property(
        fc
          .array(sample, { maxLength: 200 })
          .chain((samples) =>
            fc.tuple(
              fc.constant(samples),
              fc.shuffledSubarray(samples, { minLength: samples.length }),
              fc.integer({ min: 0, max: samples.length }),
            ),
          ),
        ([samples, shuffled, cut]) => {
          const atOnce = countSamples(EMPTY, samples);
          const left = countSamples(EMPTY, shuffled.slice(0, cut));
          const right = countSamples(EMPTY, shuffled.slice(cut));
          expect(mergeCounters(left, right)).toEqual(atOnce);
          expect(mergeCounters(right, left)).toEqual(atOnce);
          expect(countSamples(left, shuffled.slice(cut))).toEqual(atOnce);
        },
      ),
      { numRuns: 60, seed: 4 },
    );
  });

  it('stay small for ever: buckets double, and nothing is lost', () => {
    let counters = EMPTY;
    const minutes = 30 * 24 * 60;
    for (let minute = 0; minute < minutes; minute += 60) {
      const batch = Array.from({ length: 60 }, (_, i) => ({ atMs: (minute + i) * 60_000, failed: i % 7 === 0 }));
      counters = countSamples(counters, batch);
    }
    expect(counters.buckets.length).toBeLessThanOrEqual(MAX_BUCKETS);
    expect(counters.buckets.length).toBeGreaterThan(MAX_BUCKETS / 2);
    expect(counters.bucketMs).toBe(30_000 * 2 ** 11);
    expect(total(series(counters, 'errors'))).toEqual({ n: minutes, k: (minutes / 60) * 9 });
    expect(JSON.stringify(counters).length).toBeLessThan(10_000);
  });

  it('survive JSON unchanged', () => {
    const counters = countSamples(EMPTY, [{ atMs: 5, failed: true, costMicros: 7 }]);
    expect(JSON.parse(JSON.stringify(counters))).toEqual(counters);
  });

  it('have no newest sample and no cost where there is none', () => {
    const errorsOnly = emptyCounters(DEFAULT_WATCHERS.slice(0, 1));
    expect(mergeCounters(countSamples(errorsOnly, []), errorsOnly)).toEqual({ bucketMs: 60_000, buckets: [] });
    expect(countSamples(errorsOnly, [{ atMs: 1, costMicros: 5 }]).cost).toBeUndefined();
    expect(mergeCounters(errorsOnly, EMPTY.cost ? { ...errorsOnly, cost: EMPTY.cost } : errorsOnly).cost).toEqual(
      EMPTY.cost,
    );
  });

  it('refuse to merge buckets that do not fit', () => {
    expect(() => mergeCounters(EMPTY, emptyCounters(DEFAULT_WATCHERS, 45_000))).toThrow(
      new RangeError('buckets of 30000 and 45000 ms do not fit into each other'),
    );
  });
});
