import { describe, expect, it } from '@jest/globals';
import { createAdaptive } from '../../../src/rules/gate/adaptive.ts';
import type { Adaptive } from '../../../src/rules/gate/adaptive.ts';
import type { GateAnswer } from '../../../src/rules/gate/answer.ts';
import { createPacer } from '../../../src/rules/gate/pacer.ts';
import type { RateSpec } from '../../../src/rules/gate/pacer.ts';
import type { LimitReading } from '../../../src/rules/limit-headers.ts';
import type { LimitInput } from '../../../src/sandbox/limiter.ts';
import { acceptedPerWindow, mostInWindow, refusedAt, simulate } from './simulate.ts';
import type { Sent } from './simulate.ts';

const RTT_MS = [5, 30] as const;
const arrivals = (sent: readonly Sent[]) => sent.map(({ arrivedMs }) => arrivedMs);

describe('a limit that does not change', () => {
  const forms: [string, Partial<LimitInput>][] = [
    ['sliding, announced', { announce: true }],
    ['sliding, not announced', { announce: false }],
    ['fixed, announced', { form: 'fixed', announce: true }],
  ];
  it.each([1, 8, 50, 200].flatMap((cap) => forms.map(([name, form]) => [cap, name, form] as const)))(
    'cap %i, %s: at least 95 %% is used and nothing is refused',
    (cap, _name, form) => {
      const { sent } = simulate({
        spec: { rate: { cap, windowMs: 1_000 } },
        limit: { rate: cap, ...form },
        rttMs: RTT_MS,
        durationMs: 20_000,
        seed: cap,
      });
      expect(refusedAt(sent)).toEqual([]);
      expect(mostInWindow(arrivals(sent), 1_000)).toBeLessThanOrEqual(cap);
      expect(acceptedPerWindow(sent, 0, 20_000)).toBeGreaterThanOrEqual(0.95 * cap);
    },
  );

  it.each([true, false])('a burst is used and never refused (announced: %s)', (announce) => {
    const { sent } = simulate({
      spec: { rate: { cap: 20, windowMs: 1_000, burst: 40 } },
      limit: { rate: 20, burst: 40, announce },
      rttMs: RTT_MS,
      durationMs: 20_000,
      seed: 5,
    });
    expect(refusedAt(sent)).toEqual([]);
    expect(acceptedPerWindow(sent, 0, 20_000)).toBeGreaterThanOrEqual(20);
  });

  it('a minute’s window is filled and never refused', () => {
    const { sent } = simulate({
      spec: { rate: { cap: 120, windowMs: 60_000 } },
      limit: { rate: 120, windowMs: 60_000 },
      rttMs: RTT_MS,
      durationMs: 600_000,
      seed: 9,
    });
    expect(refusedAt(sent)).toEqual([]);
    expect(acceptedPerWindow(sent, 0, 600_000, 60_000)).toBeGreaterThanOrEqual(0.95 * 120);
  });
});

/** Those under way when the first refusal was read: nobody could know before. */
const unknowing = (sent: readonly Sent[]) => {
  const refused = sent.filter(({ status }) => status === 429);
  const readMs = Math.min(...refused.map(({ answeredMs }) => answeredMs));
  return refused.filter(({ departedMs }) => departedMs < readMs).length;
};

describe('a limit that falls to a quarter and rises again', () => {
  const DROP_MS = 5_137;

  const dropAndRaise = (cap: number, form: Partial<LimitInput>, seed: number, raiseMs: number, afterMs: number) =>
    simulate({
      spec: { rate: { cap, windowMs: 1_000 } },
      limit: { rate: cap, ...form },
      changes: [
        [DROP_MS + seed * 17.3, { rate: Math.floor(cap / 4), ...form }],
        [raiseMs, { rate: cap, ...form }],
      ],
      rttMs: RTT_MS,
      durationMs: raiseMs + afterMs,
      seed,
    }).sent;

  const cases = [
    [8, 1],
    [8, 3],
    [50, 1],
    [50, 3],
    [200, 2],
  ] as const;

  it.each(cases)(
    'announced, cap %i, seed %i: only what was under way is refused, the raise is taken at once',
    (cap, seed) => {
      const raisedMs = 30_000;
      const sent = dropAndRaise(cap, { announce: true }, seed, raisedMs, 12_000);
      expect(refusedAt(sent)).toHaveLength(unknowing(sent));
      expect(acceptedPerWindow(sent, DROP_MS + 5_000, raisedMs)).toBeGreaterThan(0.95 * Math.floor(cap / 4));
      expect(acceptedPerWindow(sent, raisedMs + 2_000, raisedMs + 12_000)).toBeGreaterThanOrEqual(0.95 * cap);
    },
  );

  it.each(cases.flatMap(([cap, seed]) => (['seconds', 'none'] as const).map((form) => [cap, seed, form] as const)))(
    'unannounced, cap %i, seed %i, Retry-After %s: one refusal measures the limit, then at most one per 30 s',
    (cap, seed, retryAfter) => {
      const raisedMs = 60_000 + seed * 12_500;
      const sent = dropAndRaise(cap, { announce: false, retryAfter }, seed, raisedMs, 65_000);
      const droppedMs = DROP_MS + seed * 17.3;
      const refused = refusedAt(sent).toSorted((a, b) => a - b);
      const early = refused.filter((atMs) => atMs < droppedMs + 5_000);
      expect(early.length).toBeLessThanOrEqual(unknowing(sent) + 1);
      const later = refused.filter((atMs) => atMs >= droppedMs + 5_000);
      expect(later.length).toBeGreaterThan(0);
      expect(mostInWindow([early.at(-1)!, ...later], 30_000)).toBe(1);
      const quarter = Math.floor(cap / 4);
      expect(acceptedPerWindow(sent, droppedMs + 10_000, raisedMs)).toBeGreaterThan(0.85 * quarter);
      expect(acceptedPerWindow(sent, raisedMs + 60_000, raisedMs + 65_000)).toBeGreaterThanOrEqual(0.95 * cap);
    },
  );

  it('a single refusal out of the blue costs a few seconds, not half a minute', () => {
    const { sent } = simulate({
      spec: { rate: { cap: 50, windowMs: 1_000 } },
      limit: { rate: 50, announce: false },
      changes: [
        [5_000, { rate: 1, announce: false }],
        [5_150, { rate: 50, announce: false }],
      ],
      rttMs: RTT_MS,
      durationMs: 20_000,
      seed: 4,
    });
    expect(refusedAt(sent).length).toBeGreaterThan(0);
    expect(acceptedPerWindow(sent, 12_000, 20_000)).toBeGreaterThanOrEqual(0.95 * 50);
  });

  it('a service that refuses everything is asked at most once per 30 s in the end', () => {
    const { sent } = simulate({
      spec: { rate: { cap: 50, windowMs: 1_000 } },
      limit: { rate: 50, announce: false },
      changes: [[5_000, { rate: 1, windowMs: 10_000_000, announce: false, retryAfter: 'none' }]],
      rttMs: RTT_MS,
      durationMs: 300_000,
      seed: 4,
    });
    const late = sent.filter(({ departedMs }) => departedMs > 150_000);
    expect(late.length).toBeLessThanOrEqual(5);
  });

  it('a slow service is paced back up, too: long round trips do not leave it one request at a time', () => {
    const { sent } = simulate({
      spec: { rate: { cap: 20, windowMs: 1_000 } },
      limit: { rate: 20, announce: false },
      changes: [
        [10_000, { rate: 1, announce: false }],
        [12_000, { rate: 20, announce: false }],
      ],
      rttMs: [1_500, 2_500],
      durationMs: 120_000,
      seed: 4,
    });
    expect(refusedAt(sent).length).toBeGreaterThan(0);
    expect(acceptedPerWindow(sent, 90_000, 120_000)).toBeGreaterThan((0.9 * 20) / 3);
  });
});

describe('what an answer says', () => {
  const RATE: RateSpec = { cap: 10, windowMs: 1_000 };

  function harness(rate = RATE, restored?: ReturnType<Adaptive['snapshot']>) {
    const pacer = createPacer(rate, 0, 'fresh');
    const adaptive = createAdaptive(rate, pacer, restored);
    let id = 0;
    const exchange = (nowMs: number, kind: GateAnswer['kind'], limits: LimitReading = {}, retryAfterMs?: number) => {
      id += 1;
      pacer.departed(id, nowMs);
      adaptive.departed(id, nowMs);
      const books = pacer.answered(id, nowMs, kind === 'accepted');
      adaptive.answered(id, { kind, limits, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }, books, nowMs);
    };
    return { pacer, adaptive, exchange };
  }

  it('Retry-After of a refusal or of a service that is down freezes everybody', () => {
    const refused = harness();
    refused.exchange(0, 'throttled', {}, 7_000);
    expect(refused.adaptive.earliest(0)).toBe(7_000);
    expect(refused.adaptive.view(0)).toMatchObject({ phase: 'measuring', frozenUntilMs: 7_000 });
    const down = harness();
    down.exchange(0, 'down', {}, 3_000);
    expect(down.adaptive.earliest(0)).toBe(3_000);
    expect(down.adaptive.view(3_000)).toEqual({
      limit: 10,
      cap: 10,
      phase: 'steady',
      reason: 'At the configured cap.',
    });
  });

  it('a refusal without any hint freezes for one window, one with a reset until then', () => {
    const silent = harness();
    silent.exchange(0, 'throttled');
    expect(silent.adaptive.earliest(0)).toBe(1_000);
    const hinted = harness();
    hinted.exchange(0, 'throttled', { resetMs: 4_000 });
    expect(hinted.adaptive.earliest(0)).toBe(4_000);
  });

  it('“nothing remains” freezes until the reset when it is not our doing, or when it is a longer window’s', () => {
    const others = harness();
    others.exchange(0, 'accepted', { limit: 10, remaining: 0, resetMs: 600 });
    expect(others.adaptive.earliest(0)).toBe(600);
    const quota = harness({ cap: 1, windowMs: 1_000 });
    quota.exchange(0, 'accepted', { limit: 5_000, remaining: 0, resetMs: 1_800_000 });
    expect(quota.adaptive.earliest(0)).toBe(1_800_000);
    const ours = harness({ cap: 1, windowMs: 1_000 });
    ours.exchange(0, 'accepted', { limit: 1, remaining: 0, resetMs: 2_000 });
    expect(ours.adaptive.earliest(0)).toBe(0);
    const unlimited = harness();
    unlimited.exchange(0, 'accepted', { remaining: 0 });
    expect(unlimited.adaptive.earliest(0)).toBe(0);
  });

  it('an announced limit is followed both ways, converted to our window, never above the cap', () => {
    const { adaptive, exchange } = harness();
    exchange(0, 'accepted', { limit: 4, windowMs: 1_000 });
    expect(adaptive.view(0)).toMatchObject({
      limit: 4,
      phase: 'steady',
      reason: 'The service announces a limit of 4 per 1 s.',
    });
    exchange(1, 'accepted', { limit: 120, windowMs: 60_000 });
    expect(adaptive.view(1).limit).toBe(2);
    exchange(2, 'accepted', { limit: 6 });
    expect(adaptive.view(2).limit).toBe(6);
    exchange(3, 'accepted', { limit: 600, windowMs: 1_000 });
    expect(adaptive.view(3).limit).toBe(10);
  });

  it('a quota over a long window is no rate, whether the window is named or shows in the reset', () => {
    const { adaptive, exchange } = harness();
    exchange(0, 'accepted', { limit: 5, windowMs: 86_400_000 });
    exchange(1, 'accepted', { limit: 5, resetMs: 80_000_000, remaining: 3 });
    exchange(2, 'accepted', { limit: 5, resetMs: 900, remaining: 2 });
    expect(adaptive.view(2).limit).toBe(10);
  });

  it('an announced number of concurrent requests, or of none, is no rate', () => {
    const { adaptive, exchange } = harness({ ...RATE, concurrency: 3 });
    exchange(0, 'accepted', { limit: 3 });
    exchange(1, 'accepted', { limit: 0 });
    expect(adaptive.view(1).limit).toBe(10);
  });

  it('what a token bucket announces is its capacity', () => {
    const { adaptive, exchange } = harness({ ...RATE, burst: 20 });
    exchange(0, 'accepted', { limit: 20 });
    expect(adaptive.view(0).limit).toBe(10);
    exchange(0, 'accepted', { limit: 10 });
    expect(adaptive.view(0).limit).toBe(5);
  });

  it('a limit that is announced and refused all the same is measured', () => {
    const { adaptive, exchange } = harness();
    exchange(0, 'accepted', { limit: 10 });
    exchange(100, 'throttled', { limit: 10 });
    exchange(1_200, 'accepted', { limit: 10 });
    exchange(1_400, 'accepted', { limit: 10 });
    exchange(1_600, 'throttled', { limit: 10 });
    expect(adaptive.view(1_600)).toMatchObject({
      limit: 2,
      phase: 'holding',
      reason: 'The service took no more than 2 per 1 s.',
      tryAgainMs: 32_600,
    });
  });

  it('a cap of one is measured in fractions', () => {
    const { adaptive, exchange } = harness({ cap: 1, windowMs: 1_000 });
    exchange(0, 'throttled');
    exchange(2_000, 'throttled');
    expect(adaptive.view(2_000)).toMatchObject({
      limit: 0.5,
      reason: 'The service took no more than 1 request per 2 s.',
    });
    exchange(5_000, 'throttled');
    expect(adaptive.view(5_000).limit).toBe(0.25);
  });

  it('a refusal while holding lowers the limit by less than a measurement, and at least a little', () => {
    const { adaptive, exchange } = harness();
    exchange(0, 'throttled');
    for (const ms of [1_100, 1_200, 1_300, 1_400, 1_500]) exchange(ms, 'accepted');
    exchange(1_600, 'throttled');
    expect(adaptive.view(1_600).limit).toBe(5);
    for (const ms of [3_100, 3_300, 3_500, 3_700]) exchange(ms, 'accepted');
    exchange(3_900, 'throttled');
    expect(adaptive.view(3_900)).toMatchObject({ limit: 3, phase: 'holding' });
  });

  it('after a refusal out of the blue the service’s window runs empty first, so that it can be measured', () => {
    const { adaptive, exchange } = harness({ cap: 60, windowMs: 60_000 });
    exchange(0, 'throttled', {}, 1_000);
    expect(adaptive.earliest(0)).toBe(60_000);
    exchange(61_000, 'accepted');
    exchange(62_000, 'throttled', {}, 1_000);
    expect(adaptive.earliest(62_000)).toBe(63_000);
  });

  it('tries less and less often whether more passes, but at least every 40 s', () => {
    const { adaptive, exchange } = harness();
    exchange(0, 'throttled');
    let nowMs = 2_000;
    const pauses = Array.from({ length: 4 }, () => {
      exchange(nowMs, 'accepted');
      exchange(nowMs + 200, 'throttled');
      const pauseMs = adaptive.view(nowMs + 200).tryAgainMs! - nowMs - 200;
      nowMs += 1_200 + pauseMs;
      return Math.round(pauseMs);
    });
    expect(pauses).toEqual([31_000, 37_200, 40_000, 40_000]);
  });

  it('a service that is down proves nothing about its limit, one that answers does', () => {
    const { adaptive, exchange } = harness({ cap: 1, windowMs: 1_000 });
    exchange(0, 'throttled');
    exchange(4_000, 'down');
    expect(adaptive.view(4_000).phase).toBe('measuring');
    exchange(6_000, 'accepted');
    expect(adaptive.view(6_000)).toMatchObject({ phase: 'steady', reason: 'The service takes 1 per 1 s again.' });
  });

  it('a request that was withheld no longer keeps the next one back', () => {
    const { adaptive, exchange } = harness();
    exchange(0, 'throttled');
    adaptive.departed('x', 1_100);
    expect(adaptive.earliest(1_110)).toBe(1_110);
    const { adaptive: cautious, exchange: other, pacer } = harness();
    other(0, 'throttled');
    pacer.departed('x', 1_100);
    cautious.departed('x', 1_100);
    expect(cautious.earliest(1_110)).toBe(1_200);
    cautious.withheld('x');
    pacer.withheld('x');
    expect(cautious.earliest(1_110)).toBe(1_110);
  });

  it('a successor goes on where the predecessor was', () => {
    const { adaptive, exchange } = harness();
    exchange(0, 'accepted', { limit: 8 });
    exchange(0, 'throttled', {}, 500);
    for (const ms of [1_100, 1_200, 1_300]) exchange(ms, 'accepted');
    exchange(1_400, 'throttled');
    const snapshot = JSON.parse(JSON.stringify(adaptive.snapshot(1_400)));
    const next = harness(RATE, snapshot);
    expect(next.adaptive.view(1_500)).toEqual(adaptive.view(1_500));
    expect(next.adaptive.view(40_000)).toMatchObject({
      limit: 8,
      phase: 'recovering',
      reason: 'Held at 3 per 1 s for a while: trying whether the service takes more again.',
    });
    expect(harness(RATE, JSON.parse(JSON.stringify(harness().adaptive.snapshot(0)))).adaptive.view(0)).toEqual(
      harness().adaptive.view(0),
    );
  });
});
