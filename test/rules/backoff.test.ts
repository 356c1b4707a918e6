import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs, MAX_BACKOFF_MS, pollDelayMs, retryAfterMs } from '../../src/rules/backoff.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map((value) => () => value);
const schedule = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 8 });

describe('the back-off between attempts', () => {
  it('follows the schedule, then doubles up to a bound', () => {
    const pauses = [1, 2, 3, 4, 5, 12].map((failures) => backoffMs([200, 400, 800], failures, () => 0));
    expect(pauses).toEqual([200, 400, 800, 1600, 3200, MAX_BACKOFF_MS]);
  });

  it('is at least what was configured, at most half as much again', () => {
    fc.assert(
      fc.property(schedule, fc.integer({ min: 1, max: 10_000 }), random, (steps, failures, chance) => {
        const pause = backoffMs(steps, failures, chance);
        const least = steps[failures - 1] ?? Math.min(MAX_BACKOFF_MS, steps.at(-1) ?? 0);
        expect(pause).toBeGreaterThanOrEqual(least);
        expect(pause).toBeLessThanOrEqual(Math.ceil(1.5 * Math.max(MAX_BACKOFF_MS, ...steps)));
      }),
    );
  });
});

describe('the pause a Retry-After asks for', () => {
  it('is never shorter, and spread by at most 5 s', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), random, (asked, chance) => {
        const pause = retryAfterMs(asked, chance);
        expect(pause).toBeGreaterThanOrEqual(asked);
        expect(pause).toBeLessThanOrEqual(asked + 5_000);
      }),
    );
  });

  it('differs between those who were told the same time', () => {
    expect(retryAfterMs(1_000, () => 0)).toBe(1_000);
    expect(retryAfterMs(1_000, () => 0.999)).toBe(1_250);
    expect(retryAfterMs(60_000, () => 0.999)).toBe(64_995);
  });
});

describe('the pause between polls', () => {
  const spacing = { initialMs: 1_000, factor: 1.5, maxMs: 10_000 };
  const far = 86_400_000;

  it('grows to its maximum', () => {
    const pauses = [1, 2, 3, 10, 1_000].map((polls) => pollDelayMs(spacing, polls, far, () => 0.5));
    expect(pauses).toEqual([1_000, 1_500, 2_250, 10_000, 10_000]);
  });

  it('is jittered by a fifth and leaves room for a last poll before the deadline', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: -far, max: far }),
        random,
        (polls, leftMs, chance) => {
          const pause = pollDelayMs(spacing, polls, leftMs, chance);
          expect(pause).toBeGreaterThan(0);
          expect(pause).toBeLessThanOrEqual(12_000);
          if (leftMs >= 3_000) expect(pause).toBeLessThanOrEqual(leftMs - 2_000);
        },
      ),
    );
  });

  it('does not overflow, however long it goes on', () => {
    expect(pollDelayMs({ ...spacing, factor: 10 }, 1e9, far, () => 0)).toBe(8_000);
  });
});
