import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { pollIntervalMs, sweepIntervalMs, sweptPollIntervalMs } from '../../../src/rules/gate/poll-interval.ts';

describe('the poll interval', () => {
  it.each([
    [0, 2_000],
    [10, 2_000],
    [500, 20_000],
    [10_000, 400_000],
  ])('%i jobs waiting at 50 per second and half of it for polls: every %i ms', (waiting, intervalMs) => {
    expect(pollIntervalMs({ waiting, cap: 50, windowMs: 1_000, share: 0.5 }, 2_000)).toBe(intervalMs);
  });

  it('keeps all polls together within their share, whatever the numbers', () => {
    const load = fc.record({
      waiting: fc.integer({ min: 1, max: 100_000 }),
      cap: fc.double({ min: 0.03, max: 1_000, noNaN: true }),
      windowMs: fc.constantFrom(1_000, 60_000),
      share: fc.double({ min: 0.05, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(load, fc.integer({ min: 1, max: 60_000 }), (each, spacingMs) => {
        const intervalMs = pollIntervalMs(each, spacingMs);
        expect(intervalMs).toBeGreaterThanOrEqual(spacingMs);
        expect((each.waiting * each.windowMs) / intervalMs).toBeLessThanOrEqual(each.cap * each.share * (1 + 1e-9));
      }),
      { seed: 6 },
    );
  });
});

describe('the poll interval while sweeps succeed', () => {
  it.each([
    [2_000, 20_000],
    [50_000, 500_000],
    [400_000, 600_000],
    [900_000, 900_000],
  ])('%i ms becomes %i ms: ten times longer, up to ten minutes, and never shorter', (intervalMs, sweptMs) => {
    expect(sweptPollIntervalMs(intervalMs)).toBe(sweptMs);
  });
});

describe('the pause between two sweeps', () => {
  it('is that between two polls, or what keeps sweeps to a twentieth of the cap', () => {
    expect(sweepIntervalMs({ cap: 50, windowMs: 1_000 }, 2_000)).toBe(2_000);
    expect(sweepIntervalMs({ cap: 1, windowMs: 1_000 }, 2_000)).toBe(20_000);
    expect(sweepIntervalMs({ cap: 0.5, windowMs: 1_000 }, 2_000)).toBe(40_000);
  });
});
