import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createAttribution, OTHER } from '../../../src/rules/gate/attribution.ts';

const DAY_MS = 86_400_000;
const sum = (amounts: Readonly<Record<string, number>>) => Object.values(amounts).reduce((a, b) => a + b, 0);

describe('attribution of costs', () => {
  it('adds up by unit and by tag, within one UTC day', () => {
    const costs = createAttribution();
    costs.add({ unit: 'a', tags: { team: 'x', plan: 'p' } }, 5, DAY_MS);
    costs.add({ unit: 'b', tags: { team: 'x' } }, 7, DAY_MS + 1);
    costs.add({}, 1, DAY_MS + 2);
    expect(costs.snapshot(2 * DAY_MS - 1)).toEqual({
      day: 1,
      totalMicros: 13,
      units: { a: 5, b: 7 },
      tags: { 'team=x': 12, 'plan=p': 5 },
    });
    expect(costs.snapshot(2 * DAY_MS)).toEqual({ day: 2, totalMicros: 0, units: {}, tags: {} });
  });

  it('is carried over', () => {
    const first = createAttribution();
    first.add({ unit: 'a' }, 5, 0);
    const second = createAttribution(JSON.parse(JSON.stringify(first.snapshot(0))));
    second.add({ unit: 'a' }, 5, 0);
    expect(second.snapshot(0)).toMatchObject({ totalMicros: 10, units: { a: 10 } });
  });

  it('names at most twenty and the rest as others; the sum always holds and the largest stays', () => {
    const owners = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 0, max: 9 })), {
      maxLength: 300,
      size: 'max',
    });
    fc.assert(
      fc.property(owners, (costs) => {
        const attribution = createAttribution();
        attribution.add({ unit: 'large' }, 10_000, 0);
        for (const [unit, micros] of costs) attribution.add({ unit: `u${unit}` }, micros, 0);
        const { units, totalMicros } = attribution.snapshot(0);
        expect(sum(units)).toBe(totalMicros);
        expect(units['large']).toBe(10_000);
        expect(Object.keys(units).filter((name) => name !== OTHER).length).toBeLessThanOrEqual(20);
      }),
      { numRuns: 50, seed: 5 },
    );
  });
});
