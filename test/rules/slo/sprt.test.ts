import { describe, expect, it } from '@jest/globals';
import { acceptFrom, llr, sprtBounds } from '../../../src/rules/slo/sprt.ts';

const DEFAULT = { p0: 0.01, p1: 0.05, alpha: 0.001, beta: 0.01 };

/** Largest n at which k bad ones abort, found by trying every n; undefined when none does. */
function abortWhile(k: number, alpha: number, bound = sprtBounds({ alpha, beta: 0.01 }).abort): number | undefined {
  let last: number | undefined;
  for (let n = k; n <= 1000; n++) if (llr(DEFAULT, { n, k }) >= bound) last = n;
  return last;
}

function acceptOnce(k: number, phi = 1): number | undefined {
  for (let n = k; n <= 1000; n++) if (-llr(DEFAULT, { n, k }) / phi >= sprtBounds(DEFAULT).accept) return n;
  return undefined;
}

describe('the sequential test', () => {
  it('weighs an error by +1.60944 and a success by −0.041243', () => {
    expect(llr(DEFAULT, { n: 1, k: 1 })).toBeCloseTo(1.60944, 5);
    expect(llr(DEFAULT, { n: 1, k: 0 })).toBeCloseTo(-0.041243, 6);
  });

  it('aborts by the integer table', () => {
    const table = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((k) => abortWhile(k, 0.001));
    expect(table).toEqual([undefined, undefined, undefined, undefined, undefined, 32, 72, 112, 152, 192, 232]);
  });

  it('accepts by the integer table', () => {
    const table = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((k) => acceptOnce(k));
    expect(table).toEqual([112, 152, 192, 232, 272, 312, 352, 392, 432, 472, 512]);
  });

  it('aborts from the third error on at α = 0.01', () => {
    expect([2, 3, 4, 5, 6].map((k) => abortWhile(k, 0.01))).toEqual([undefined, 8, 48, 88, 128]);
  });

  it("differs from Wald's bound only from the 11th error on, by one request", () => {
    const wald = Math.log((1 - DEFAULT.beta) / DEFAULT.alpha);
    for (let k = 0; k <= 10; k++) expect(abortWhile(k, 0.001)).toBe(abortWhile(k, 0.001, wald));
    expect(abortWhile(11, 0.001, wald)).toBe(abortWhile(11, 0.001)! + 1);
  });

  it.each([1, 3, 5])('knows from which sample on it accepts, at φ = %d', (phi) => {
    for (let k = 0; k <= 8; k++) {
      const found = acceptOnce(k, phi);
      expect(found ?? 1001).toBe(Math.min(1001, acceptFrom(DEFAULT, k, phi)));
    }
  });

  it.each([
    [3, 335],
    [5, 559],
  ])('at φ = %d takes %d clean samples', (phi, samples) => {
    expect(acceptFrom(DEFAULT, 0, phi)).toBe(samples);
  });

  it('needs 168 clean samples at β = 0.001, whatever α', () => {
    expect(acceptFrom({ ...DEFAULT, beta: 0.001 }, 0, 1)).toBe(168);
    expect(acceptFrom({ ...DEFAULT, alpha: 0.01 }, 0, 1)).toBe(112);
  });
});
