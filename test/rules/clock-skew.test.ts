import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { learnSkew, skewOf, skewWarning } from '../../src/rules/clock-skew.ts';
import type { ClockSkew } from '../../src/rules/clock-skew.ts';

const start = Date.UTC(2026, 10, 23, 18);
/** What a service whose clock is `offsetMs` ahead puts into Date when it looks at it at our `atMs`. */
const dateAt = (atMs: number, offsetMs: number) => Math.floor((atMs + offsetMs) / 1000) * 1000;
const sample = (atMs: number, offsetMs: number, outMs = 20, backMs = 20) => ({
  serverMs: dateAt(atMs, offsetMs),
  resolutionMs: 1000,
  sentMs: atMs - outMs,
  receivedMs: atMs + backMs,
});
const learn = (samples: readonly ReturnType<typeof sample>[]) =>
  samples.reduce<ClockSkew | undefined>((known, next) => learnSkew(known, next), undefined) as ClockSkew;

const skew = (offsetMs: number, uncertaintyMs: number): ClockSkew => ({
  minMs: offsetMs - uncertaintyMs,
  maxMs: offsetMs + uncertaintyMs,
  atMs: start,
  dissent: 0,
});

describe('learnSkew', () => {
  it('knows the difference to about a second after one answer', () => {
    const { offsetMs, uncertaintyMs } = skewOf(learn([sample(start + 300, 5000)]));
    expect(uncertaintyMs).toBe(520);
    expect(Math.abs(offsetMs - 5000)).toBeLessThanOrEqual(520);
  });

  it('narrows it far below the resolution of Date with more', () => {
    const samples = Array.from({ length: 40 }, (_, i) => sample(start + i * 1037, -73_210));
    const { offsetMs, uncertaintyMs } = skewOf(learn(samples));
    expect(uncertaintyMs).toBeLessThan(60);
    expect(Math.abs(offsetMs + 73_210)).toBeLessThanOrEqual(uncertaintyMs);
  });

  it('always contains the truth, whatever the delays', () => {
    const delay = fc.integer({ min: 0, max: 5000 });
    const waits = fc.array(fc.tuple(fc.integer({ min: 1, max: 60_000 }), delay, delay), {
      minLength: 1,
      maxLength: 50,
    });
    fc.assert(
      fc.property(fc.integer({ min: -1e8, max: 1e8 }), waits, (offsetMs, steps) => {
        let atMs = start;
        const samples = steps.map(([waitMs, outMs, backMs]) => sample((atMs += waitMs), offsetMs, outMs, backMs));
        const { minMs, maxMs } = learn(samples);
        expect(minMs).toBeLessThanOrEqual(offsetMs);
        expect(maxMs).toBeGreaterThanOrEqual(offsetMs);
      }),
    );
  });

  it('is not led astray by two answers out of a cache', () => {
    const honest = [sample(start, 0), sample(start + 1500, 0)];
    const stale = { ...sample(start + 2000, 0), serverMs: dateAt(start - 600_000, 0) };
    const { offsetMs } = skewOf(learn([...honest, stale, stale, sample(start + 3000, 0), stale, stale]));
    expect(Math.abs(offsetMs)).toBeLessThan(600);
  });

  it('follows a clock that was set once three answers in a row say so', () => {
    const after = [0, 1, 2].map((i) => sample(start + 5000 + i * 1000, 90_000));
    expect(Math.abs(skewOf(learn([sample(start, 0), ...after.slice(0, 2)])).offsetMs)).toBeLessThan(600);
    expect(Math.abs(skewOf(learn([sample(start, 0), ...after])).offsetMs - 90_000)).toBeLessThan(600);
  });

  it('lets old bounds go slowly, so that drift is followed without a jump', () => {
    const day = 86_400_000;
    const { offsetMs } = skewOf(learn([sample(start, 0), sample(start + day, 4000)]));
    expect(Math.abs(offsetMs - 4000)).toBeLessThan(600);
  });
});

describe('skewWarning', () => {
  it('names both times and the difference', () => {
    expect(skewWarning(skew(95_000, 500), start, 60_000)).toBe(
      "The service's clock shows 2026-11-23T18:01:35.000Z when ours shows 2026-11-23T18:00:00.000Z: 95.0 s ahead, " +
        "more than the tolerance of 60.0 s. Check both clocks' synchronisation.",
    );
    expect(skewWarning(skew(-95_000, 500), start, 60_000)).toContain('95.0 s behind');
  });

  it.each([
    [60_000, 0],
    [60_400, 500],
    [-60_400, 500],
    [0, 500],
  ])('is silent at %d ± %d ms', (offsetMs, uncertaintyMs) => {
    expect(skewWarning(skew(offsetMs, uncertaintyMs), start, 60_000)).toBeUndefined();
  });
});
