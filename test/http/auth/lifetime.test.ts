import { describe, expect, it } from '@jest/globals';
import { anything, assert, double, property } from 'fast-check';
import { lifetimeMs, refreshAfterMs } from '../../../src/http/auth/lifetime.ts';

describe('the lifetime of a token', () => {
  it.each([
    [3600, 3_600_000],
    ['3600', 3_600_000],
    [undefined, 300_000],
    [null, 300_000],
    ['', 300_000],
    ['soon', 300_000],
    [Number.NaN, 300_000],
    [{}, 300_000],
    [0, 10_000],
    [-5, 10_000],
    [0.5, 10_000],
    [1e12, 86_400_000],
    [Infinity, 86_400_000],
  ])('of expires_in %j is %d ms', (expiresIn, expected) => {
    expect(lifetimeMs(expiresIn)).toBe(expected);
  });

  it.each([
    ['an hour: 20 % early', 3_600_000, 0, 2_880_000],
    ['an hour, jittered by half of the margin at most', 3_600_000, 0.999_999, 2_520_000],
    ['two minutes: 30 s early', 120_000, 0, 90_000],
    ['half a minute: not before half of it', 30_000, 0.5, 15_000],
  ])('%s', (_name, lifetime, random, expected) => {
    expect(Math.round(refreshAfterMs(lifetime, random))).toBe(expected);
  });

  it('is refreshed between its half and its end, whatever the server says', () => {
    assert(
      property(anything(), double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (expiresIn, random) => {
        const lifetime = lifetimeMs(expiresIn);
        const refresh = refreshAfterMs(lifetime, random);
        expect(refresh).toBeGreaterThanOrEqual(lifetime / 2);
        expect(refresh).toBeLessThan(lifetime);
      }),
    );
  });
});
