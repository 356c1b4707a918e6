import { describe, expect, it } from '@jest/globals';
import { addCosts, costEvidence, meanCost, mergeCosts, noCosts } from '../../../src/rules/slo/cost.ts';
import { logNormal, seeded } from './support.ts';

const SCALE = { capMicros: 500_000, thresholdMicros: 50_000 };

describe('the betting process on the mean cost', () => {
  it('is the mean of the products of its bets', () => {
    const costs = [20_000, 300_000, 0, 500_000, 50_000];
    const m = 0.1;
    const capital = (lambdas: readonly number[], sign: number): number =>
      lambdas.reduce(
        (sum, lambda) => sum + costs.reduce((product, c) => product * (1 + sign * lambda * (c / 500_000 - m)), 1),
        0,
      ) / 6;
    const { above, below } = costEvidence(addCosts(noCosts(SCALE), costs));
    expect(above).toBeCloseTo(
      Math.log(
        capital(
          [0.03, 0.06, 0.12, 0.25, 0.5, 0.9].map((stake) => stake / m),
          1,
        ),
      ),
      7,
    );
    expect(below).toBeCloseTo(
      Math.log(
        capital(
          [0.1, 0.2, 0.4, 0.6, 0.8, 1].map((stake) => (stake * 0.99) / (1 - m)),
          -1,
        ),
      ),
      7,
    );
  });

  it('starts without evidence, and costs exactly at the threshold never make any', () => {
    expect(costEvidence(noCosts(SCALE))).toEqual({ above: 0, below: 0 });
    const evidence = costEvidence(addCosts(noCosts(SCALE), Array<number>(1_000).fill(50_000)));
    expect(evidence.above).toBeLessThanOrEqual(0);
    expect(evidence.below).toBeLessThanOrEqual(0);
  });

  it('keeps evidence that is too large for a number', () => {
    const { above } = costEvidence(addCosts(noCosts(SCALE), Array<number>(1_000).fill(500_000)));
    expect(above).toBeGreaterThan(2_000);
    expect(above).toBeLessThan(Infinity);
  });

  it('counts a charge above the cap, and not one at it', () => {
    expect(addCosts(noCosts(SCALE), [500_000])).toMatchObject({ overCap: 0, maxMicros: 500_000 });
    expect(addCosts(noCosts(SCALE), [500_001, 3])).toMatchObject({ n: 2, overCap: 1, maxMicros: 500_001 });
  });

  it('estimates the mean and its spread', () => {
    const random = seeded(3);
    const costs = Array.from({ length: 2_000 }, () => Math.round(logNormal(random, 20_000, 0.5)));
    const mean = costs.reduce((sum, c) => sum + c, 0) / costs.length;
    const variance = costs.reduce((sum, c) => sum + (c - mean) ** 2, 0) / costs.length;
    const { pointMicros, intervalMicros } = meanCost(addCosts(noCosts(SCALE), costs));
    expect(pointMicros).toBe(mean);
    expect((intervalMicros.high - mean) / (1.96 * Math.sqrt(variance / costs.length))).toBeCloseTo(1, 3);
    expect(mean - intervalMicros.low).toBeCloseTo(intervalMicros.high - mean, 6);
  });

  it.each([-1, 0.5, Number.NaN, Infinity])('takes no cost of %d', (cost) => {
    expect(() => addCosts(noCosts(SCALE), [cost])).toThrow(
      new RangeError(`a cost must be a whole number of micro-dollars, 0 or more (got ${cost})`),
    );
  });

  it.each([
    { ...SCALE, capMicros: 400_000 },
    { ...SCALE, thresholdMicros: 60_000 },
  ])('merges nothing counted against other thresholds', (other) => {
    expect(() => mergeCosts(noCosts(SCALE), noCosts(other))).toThrow(
      new RangeError(
        'costs were counted against a threshold of 50000 and a cap of 500000 micro-dollars, not ' +
          `${other.thresholdMicros} and ${other.capMicros}: start fresh counters when the thresholds change`,
      ),
    );
  });
});
