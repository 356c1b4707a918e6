import { describe, expect, it } from '@jest/globals';
import { createBreaker, DEFAULT_BREAKER } from '../../../src/rules/gate/breaker.ts';
import type { Breaker } from '../../../src/rules/gate/breaker.ts';
import { simulate } from './simulate.ts';

/** Sends one after the other, all with this result. */
function exchange(breaker: Breaker, results: readonly ('up' | 'down')[], fromMs = 0, stepMs = 100): void {
  for (const [i, result] of results.entries()) {
    const nowMs = fromMs + i * stepMs;
    breaker.departed(`${fromMs}/${i}`, nowMs);
    breaker.answered(`${fromMs}/${i}`, result, nowMs);
  }
}
const down = (times: number) => Array.from({ length: times }, () => 'down' as const);

describe('the breaker', () => {
  it('opens on five failures in a row, and not on four and an answer', () => {
    const breaker = createBreaker(DEFAULT_BREAKER);
    exchange(breaker, [...down(4), 'up', ...down(4)]);
    expect(breaker.view()).toEqual({ state: 'closed', reason: 'No failures seen.' });
    exchange(breaker, ['down'], 2_000);
    expect(breaker.view()).toEqual({
      state: 'open',
      reason: '5 requests in a row found the service unavailable.',
      sinceMs: 2_000,
      nextProbeMs: 12_000,
    });
  });

  it('opens when half of twenty answers within 30 s are failures', () => {
    const breaker = createBreaker(DEFAULT_BREAKER);
    exchange(
      breaker,
      Array.from({ length: 19 }, (_, i) => (i % 2 === 0 ? 'down' : 'up')),
    );
    expect(breaker.gate(1_900)).toBe('free');
    exchange(breaker, ['up'], 1_900);
    expect(breaker.view()).toMatchObject({
      state: 'open',
      reason: '10 of 20 requests within 30 s found the service unavailable.',
    });
  });

  it('forgets failures older than its window', () => {
    const breaker = createBreaker(DEFAULT_BREAKER);
    exchange(
      breaker,
      Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 'down' : 'up')),
    );
    exchange(breaker, ['down', 'up', 'up', 'down'], 32_000);
    expect(breaker.view().state).toBe('closed');
  });

  it('lets one probe at a time pass, one per interval, and closes when one is answered', () => {
    const breaker = createBreaker(DEFAULT_BREAKER);
    exchange(breaker, down(5));
    expect(breaker.gate(400)).toEqual({ retryAtMs: 10_400 });
    expect(breaker.gate(10_400)).toBe('probe');
    breaker.departed('probe', 10_400);
    expect(breaker.view().state).toBe('half-open');
    expect(breaker.gate(99_000)).toEqual({ retryAtMs: undefined });
    breaker.answered('probe', 'down', 11_000);
    expect(breaker.view()).toMatchObject({ state: 'open', nextProbeMs: 20_400 });
    breaker.departed('second', 20_400);
    breaker.answered('second', 'up', 20_500);
    expect(breaker.view()).toEqual({ state: 'closed', reason: 'The service answers again.', sinceMs: 20_500 });
    exchange(breaker, down(4), 21_000);
    expect(breaker.gate(22_000)).toBe('free');
  });

  it('does not take an answer from before the outage for the end of it', () => {
    const breaker = createBreaker(DEFAULT_BREAKER);
    breaker.departed('slow', 0);
    breaker.departed('slower', 0);
    exchange(breaker, down(5));
    breaker.answered('slow', 'up', 5_000);
    breaker.withheld('slower', 5_000);
    expect(breaker.view()).toMatchObject({ state: 'open', nextProbeMs: 10_400 });
  });

  it('lets another probe pass when one was withheld', () => {
    const breaker = createBreaker(DEFAULT_BREAKER);
    exchange(breaker, down(5));
    breaker.departed('probe', 10_400);
    breaker.withheld('probe', 10_500);
    expect(breaker.gate(10_500)).toBe('probe');
  });

  it('stays open across a change of holder', () => {
    const first = createBreaker(DEFAULT_BREAKER);
    exchange(first, down(5));
    const second = createBreaker(DEFAULT_BREAKER, JSON.parse(JSON.stringify(first.snapshot())));
    expect(second.view()).toEqual(first.view());
    expect(second.gate(5_000)).toEqual({ retryAtMs: 10_400 });
    const fresh = createBreaker(DEFAULT_BREAKER, createBreaker(DEFAULT_BREAKER).snapshot());
    expect(fresh.view()).toEqual({ state: 'closed', reason: 'No failures seen.' });
  });

  it('an outage of an hour costs one probe per interval, by reads, and the cap is used right after it', () => {
    const [fromMs, toMs] = [5_000, 3_605_000];
    const { sent } = simulate({
      spec: { rate: { cap: 50, windowMs: 1_000 } },
      limit: { rate: 50 },
      outage: [fromMs, toMs],
      rttMs: [5, 30],
      durationMs: toMs + 20_000,
      seed: 1,
    });
    const probes = sent.filter(({ departedMs }) => departedMs > fromMs + 1_000 && departedMs < toMs);
    expect(probes.length).toBeLessThanOrEqual(360);
    expect(probes.length).toBeGreaterThan(350);
    expect(new Set(probes.map(({ kind }) => kind))).toEqual(new Set(['read']));
    const wasted = sent.filter(({ status, departedMs }) => status === 503 && departedMs <= fromMs + 1_000);
    expect(wasted.length).toBeLessThanOrEqual(5 + 3);
    const after = sent.filter(({ departedMs }) => departedMs > toMs + 10_000);
    expect(after.length).toBeGreaterThan(0.95 * 50 * 9);
  });
});
