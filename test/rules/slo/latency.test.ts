import { describe, expect, it } from '@jest/globals';
import { fastEvidence, fastFrom, latencyEntry, slowBudget, slowShares } from '../../../src/rules/slo/latency.ts';
import { metOutage } from '../../../src/rules/slo/outage.ts';
import { byBounds, characteristic } from './support.ts';

describe('the promotion of a percentile', () => {
  it.each([
    [0.05, [59, 93, 124, 153, 181, 208]],
    [0.01, [90, 130, 165, 198, 229, 259]],
    [0.001, [135, 181, 220, 257, 291, 324]],
  ])('at α = %d needs the samples of the table', (alpha, table) => {
    expect(table.map((_, k) => fastFrom(k, 0.05, alpha, 1))).toEqual(table);
    expect(table.map((n, k) => fastEvidence({ n, k }, 0.05, 1) >= Math.log(1 / alpha))).not.toContain(false);
    expect(table.map((n, k) => fastEvidence({ n: n - 1, k }, 0.05, 1) >= Math.log(1 / alpha))).not.toContain(true);
  });

  it.each([
    [0.05, 0.183],
    [0.01, 0.043],
    [0.001, 0.0046],
  ])(
    'looked at after each of 500 requests, α = %d promotes a service at the limit in %d of runs',
    (alpha, expected) => {
      const rule = byBounds((tally) => (fastEvidence(tally, 0.05, 1) >= Math.log(1 / alpha) ? 'promote' : undefined));
      const { promote } = characteristic(rule, 0.05, 500);
      expect(Math.abs(promote / expected - 1)).toBeLessThan(0.012);
    },
  );

  it('is discounted for bursts: φ times the samples', () => {
    expect(fastFrom(0, 0.05, 0.001, 3)).toBe(405);
    expect(fastEvidence({ n: 540, k: 6 }, 0.05, 3)).toBeCloseTo(fastEvidence({ n: 180, k: 2 }, 0.05, 1), 12);
  });
});

describe('a percentile as a share', () => {
  it('allows exactly 5 % above P95, and tells it from a fifth of that', () => {
    expect(slowBudget({ percentile: 0.95 })).toBe(0.05);
    expect(slowShares({ percentile: 0.95 })).toEqual({ p0: 0.01, p1: 0.05 });
    expect(slowBudget({ percentile: 0.99 })).toBe(0.01);
  });
});

describe('a job enters the latency gate', () => {
  const started = { startedMs: 1_000 };

  it('not before its age has passed the threshold, even when it has finished', () => {
    expect(latencyEntry({ ...started, finishedMs: 2_000 }, 5_000, 5_999)).toBeUndefined();
    expect(latencyEntry({ ...started, finishedMs: 2_000 }, 5_000, 6_000)).toBeUndefined();
    expect(latencyEntry({ ...started, finishedMs: 2_000 }, 5_000, 6_001)).toEqual({ atMs: 6_000, slow: false });
  });

  it('as slow when it has not finished by then', () => {
    expect(latencyEntry(started, 5_000, 6_000)).toBeUndefined();
    expect(latencyEntry(started, 5_000, 6_001)).toEqual({ atMs: 6_000, slow: true });
  });

  it('as fast when it took exactly the threshold, and as slow a millisecond later', () => {
    expect(latencyEntry({ ...started, finishedMs: 6_000 }, 5_000, 9_000)).toEqual({ atMs: 6_000, slow: false });
    expect(latencyEntry({ ...started, finishedMs: 6_001 }, 5_000, 9_000)).toEqual({ atMs: 6_000, slow: true });
  });
});

describe('a job met an outage', () => {
  const outages = [{ fromMs: 100, toMs: 200 }, { fromMs: 500 }];

  it.each([
    ['finished before it', { startedMs: 0, finishedMs: 99 }, false],
    ['finished as it began', { startedMs: 0, finishedMs: 100 }, true],
    ['ran through it', { startedMs: 50, finishedMs: 300 }, true],
    ['began as it ended', { startedMs: 200, finishedMs: 300 }, true],
    ['ran between two', { startedMs: 201, finishedMs: 499 }, false],
    ['is still running in one', { startedMs: 201 }, true],
    ['began in one that goes on', { startedMs: 600, finishedMs: 700 }, true],
  ])('when it %s', (_, times, met) => {
    expect(metOutage(times, outages)).toBe(met);
  });

  it('never without one', () => {
    expect(metOutage({ startedMs: 0 }, [])).toBe(false);
  });
});
