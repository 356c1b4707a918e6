import { describe, expect, it } from '@jest/globals';
import { lnBetaInc, lnBinomialCdf, lnGamma, meanInterval, wilson } from '../../../src/rules/slo/special-functions.ts';

describe('special functions', () => {
  it.each([
    [0.5, Math.log(Math.PI) / 2],
    [1, 0],
    [2, 0],
    [10, Math.log(362_880)],
    [101, 363.7393755555635],
    [1e6, 12_815_504.56914788],
  ])('lnGamma(%d) is %d', (x, expected) => {
    expect(Math.abs(lnGamma(x) - expected)).toBeLessThan(1e-13 * Math.max(1, Math.abs(expected)) * 10);
  });

  it.each([
    [0.5, 2, 3, 0.6875],
    [0.2, 1, 1, 0.2],
    [0.9, 3, 1, 0.729],
    [0.3, 0.5, 0.5, (2 / Math.PI) * Math.asin(Math.sqrt(0.3))],
  ])('the incomplete beta function I_%d(%d, %d) is %d', (x, a, b, expected) => {
    expect(Math.exp(lnBetaInc(x, a, b))).toBeCloseTo(expected, 13);
  });

  it('gives the binomial distribution that adding up its terms gives', () => {
    for (const [n, p] of [
      [10, 0.3],
      [135, 0.05],
      [400, 0.02],
    ] as const) {
      let sum = 0;
      for (let k = 0; k < n; k++) {
        sum += Math.exp(
          lnGamma(n + 1) - lnGamma(k + 1) - lnGamma(n - k + 1) + k * Math.log(p) + (n - k) * Math.log(1 - p),
        );
        expect(Math.abs(Math.exp(lnBinomialCdf(k, n, p)) - sum)).toBeLessThan(1e-11);
      }
    }
    expect(Math.exp(lnBinomialCdf(2, 10, 0.3))).toBeCloseTo(0.3827827864, 10);
  });

  it('is certain of at most n events in n trials', () => {
    expect(lnBinomialCdf(5, 5, 0.05)).toBe(0);
    expect(lnBinomialCdf(0, 0, 0.05)).toBe(0);
  });

  it('keeps the logarithm of chances that are too small for a number', () => {
    expect(lnBinomialCdf(0, 1e6, 0.05) / (1e6 * Math.log(0.95))).toBeCloseTo(1, 9);
  });

  it('gives intervals for display', () => {
    const { low, high } = wilson(1, 100);
    expect(low).toBeCloseTo(0.00177, 5);
    expect(high).toBeCloseTo(0.05449, 5);
    expect(wilson(0, 10).low).toBe(0);
    expect(wilson(10, 10).high).toBeCloseTo(1, 14);
    expect(meanInterval(10, 25, 100).high).toBeCloseTo(10.98, 3);
    expect(meanInterval(10, -1e-9, 100)).toEqual({ low: 10, high: 10 });
    expect(meanInterval(1, 100, 4).low).toBe(0);
  });
});
