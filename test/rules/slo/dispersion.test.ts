import { describe, expect, it } from '@jest/globals';
import { deadAfter, dispersion, isDead } from '../../../src/rules/slo/dispersion.ts';
import { runStart, seeded } from './support.ts';

const ANY = { floor: 1, ceiling: 100 };
const of = (n: number, ks: readonly number[]) => ks.map((k) => ({ n, k }));

describe('the dispersion factor', () => {
  it("is Pearson's statistic over its degrees of freedom", () => {
    const ks = [0, 5, 0, 0, 10, 0];
    const p = 15 / 300;
    const pearson = ks.reduce((sum, k) => sum + (k - 50 * p) ** 2 / (50 * p * (1 - p)), 0) / 5;
    expect(dispersion(of(50, ks), ANY)).toBeCloseTo(pearson, 12);
  });

  it('takes buckets of different sizes as they are', () => {
    const series = [
      { n: 30, k: 1 },
      { n: 90, k: 9 },
      { n: 40, k: 0 },
    ];
    const p = 10 / 160;
    const pearson = series.reduce((sum, { n, k }) => sum + (k - n * p) ** 2 / (n * p * (1 - p)), 0) / 2;
    expect(dispersion(series, ANY)).toBeCloseTo(pearson, 12);
  });

  it.each([
    ['without samples', []],
    ['without errors', of(50, [0, 0, 0])],
    ['with nothing but errors', of(50, [50, 50])],
    ['in one bucket', of(50, [5])],
    ['with too few samples for two groups', of(3, [1, 0, 2, 0])],
    ['when errors are more even than chance', of(50, [2, 2, 2, 2])],
  ])('is the floor %s', (_, series) => {
    expect(dispersion(series, { floor: 3, ceiling: 10 })).toBe(3);
  });

  it('never exceeds the ceiling', () => {
    expect(dispersion(of(1000, [0, 0, 0, 1000]), { floor: 3, ceiling: 10 })).toBe(10);
  });

  it('sees bursts through buckets of single samples', () => {
    const bursty = [
      ...of(1, Array<number>(95).fill(0)),
      ...of(1, [1, 1, 1, 1, 1]),
      ...of(1, Array<number>(60).fill(0)),
    ];
    expect(dispersion(bursty, ANY)).toBeGreaterThan(4);
  });

  it('finds about 5 for errors in runs of five, and about 1 for independent ones', () => {
    const random = seeded(11);
    const medianOf = (length: number): number => {
      const found = Array.from({ length: 300 }, () => {
        let left = 0;
        const series = Array.from({ length: 30 }, () => {
          let k = 0;
          for (let i = 0; i < 50; i++) {
            if (left === 0 && random() < runStart(0.02, length)) left = length;
            if (left > 0) [k, left] = [k + 1, left - 1];
          }
          return { n: 50, k };
        });
        return dispersion(series, { floor: 0, ceiling: 100 });
      });
      return found.toSorted((a, b) => a - b)[150] ?? 0;
    };
    expect(medianOf(5)).toBeGreaterThan(4.3);
    expect(medianOf(5)).toBeLessThan(5.2);
    expect(medianOf(1)).toBeGreaterThan(0.9);
    expect(medianOf(1)).toBeLessThan(1.1);
  });
});

describe('the fast path for a dead service', () => {
  it.each([
    [1, 5],
    [2.5, 5],
    [3, 6],
    [5, 10],
    [3.1, 7],
  ])('at φ = %d takes %d samples, all bad', (phi, samples) => {
    expect(deadAfter(phi)).toBe(samples);
    expect(isDead({ n: samples, k: samples }, phi)).toBe(true);
    expect(isDead({ n: samples - 1, k: samples - 1 }, phi)).toBe(false);
    expect(isDead({ n: samples + 1, k: samples }, phi)).toBe(false);
  });
});
