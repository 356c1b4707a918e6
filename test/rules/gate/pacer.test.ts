import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createPacer } from '../../../src/rules/gate/pacer.ts';
import type { Pacer, PacerSnapshot, PacerStart, RateSpec } from '../../../src/rules/gate/pacer.ts';
import { createPrng } from '../../../src/sandbox/prng.ts';
import { mostInWindow, START_MS } from './simulate.ts';

interface Passed {
  readonly departedMs: number;
  readonly arrivedMs: number;
  readonly answeredMs: number;
}

/** Sends as fast as the pacer lets it, with times there and back that let requests and answers overtake one another. */
function drive(
  pacer: Pacer,
  options: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly rttMs: readonly [number, number];
    readonly seed: number;
    /** Called once, as soon as this time has come. */
    readonly once?: { readonly atMs: number; readonly run: (nowMs: number) => void };
  },
): Passed[] {
  const { fromMs, toMs, rttMs, seed } = options;
  let once = options.once;
  const random = createPrng(seed);
  const passed: Passed[] = [];
  let under: (Passed & { readonly id: number })[] = [];
  let nowMs = fromMs;
  while (nowMs < toMs) {
    if (once !== undefined && nowMs >= once.atMs) {
      once.run(nowMs);
      once = undefined;
    }
    const earliest = pacer.earliest(nowMs);
    if (earliest === nowMs) {
      const id = passed.length;
      const tripMs = rttMs[0] + random() * (rttMs[1] - rttMs[0]);
      const request = { id, departedMs: nowMs, arrivedMs: nowMs + tripMs * random(), answeredMs: nowMs + tripMs };
      pacer.departed(id, nowMs);
      passed.push(request);
      under = [...under, request].toSorted((a, b) => a.answeredMs - b.answeredMs);
      continue;
    }
    const [first] = under;
    const wakeMs = earliest === 'after-answer' ? Infinity : earliest;
    if (first !== undefined && first.answeredMs <= wakeMs) {
      nowMs = first.answeredMs;
      under.shift();
      pacer.answered(first.id, nowMs, true);
    } else {
      if (wakeMs <= nowMs) throw new Error(`asked to wake ${nowMs - wakeMs} ms ago`);
      nowMs = wakeMs;
    }
  }
  return passed.filter(({ departedMs }) => departedMs < toMs);
}

const arrivals = (passed: readonly Passed[]) => passed.map(({ arrivedMs }) => Math.floor(arrivedMs));
const specs = fc.record({
  cap: fc.oneof(fc.constantFrom(1, 2, 8, 50, 200), fc.integer({ min: 1, max: 60 })),
  windowMs: fc.constantFrom(250, 1_000, 60_000),
});
const jitter = fc
  .tuple(fc.double({ min: 0, max: 50, noNaN: true }), fc.double({ min: 0, max: 400, noNaN: true }))
  .map(([least, more]) => [least, least + more] as const);
const seeds = fc.integer({ min: 1, max: 1e9 });
const at = (offsetMs: number) => START_MS + offsetMs;
const during = (windows: number, { windowMs }: RateSpec) => ({ fromMs: START_MS, toMs: at(windows * windowMs) });

describe('pacing a window', () => {
  it('never lets any window hold more than the cap, sliding or fixed, whatever the network does', () => {
    fc.assert(
      fc.property(specs, jitter, seeds, (spec, rttMs, seed) => {
        const pacer = createPacer(spec, START_MS, 'fresh');
        const passed = drive(pacer, { ...during(4, spec), rttMs, seed });
        expect(mostInWindow(arrivals(passed), spec.windowMs)).toBeLessThanOrEqual(spec.cap);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it.each([1, 8, 50, 200])('uses the cap of %i up to the round trip of 30 ms', (cap) => {
    const spec = { cap, windowMs: 1_000 };
    const passed = drive(createPacer(spec, START_MS, 'fresh'), { ...during(60, spec), rttMs: [30, 30], seed: 1 });
    expect(passed.length / 60).toBeGreaterThan((0.99 * cap) / 1.03);
  });

  it('counts by the answer: the next request waits for it however long it takes', () => {
    const pacer = createPacer({ cap: 1, windowMs: 1_000 }, 0, 'fresh');
    pacer.departed('a', 0);
    expect(pacer.earliest(5_000)).toBe('after-answer');
    pacer.answered('a', 5_000, false);
    expect(pacer.earliest(5_000)).toBe(6_001);
  });

  it('spaces requests evenly so that few are under way, and makes up for a late timer', () => {
    const pacer = createPacer({ cap: 10, windowMs: 1_000 }, 0, 'fresh');
    pacer.departed('a', 0);
    expect(pacer.earliest(0)).toBe(80);
    pacer.departed('b', 95);
    expect(pacer.earliest(95)).toBe(175);
  });

  it('follows a changed limit at once, in both directions and below one per window', () => {
    const pacer = createPacer({ cap: 4, windowMs: 1_000 }, 0, 'fresh');
    for (const [id, ms] of [0, 250, 500].entries()) {
      pacer.departed(id, ms);
      pacer.answered(id, ms + 10, true);
    }
    pacer.setLimit(2);
    expect(pacer.earliest(600)).toBe(1_261);
    pacer.setLimit(100);
    expect(pacer.earliest(600)).toBe(715);
    pacer.setLimit(0.5);
    expect(pacer.earliest(600)).toBe(2_511);
  });

  it('gives the permit of a request that never left back at once', () => {
    const pacer = createPacer({ cap: 1, windowMs: 1_000 }, 0, 'fresh');
    pacer.departed('a', 0);
    pacer.withheld('a');
    expect(pacer.occupied(0)).toBe(0);
    expect(pacer.inFlight()).toBe(0);
  });

  it('takes no notice of an answer to a request it does not know', () => {
    const pacer = createPacer({ cap: 1, windowMs: 1_000 }, 0, 'fresh');
    expect(pacer.answered('nobody', 0, true)).toEqual({ ownAtMost: 0, bucketDry: false });
    expect(pacer.earliest(0)).toBe(0);
  });

  it('limits requests under way', () => {
    const spec = { cap: 100, windowMs: 1_000, concurrency: 3 };
    const passed = drive(createPacer(spec, START_MS, 'fresh'), { ...during(10, spec), rttMs: [50, 150], seed: 7 });
    const most = Math.max(
      ...passed.map(
        ({ departedMs }) => passed.filter((p) => p.departedMs <= departedMs && p.answeredMs > departedMs).length,
      ),
    );
    expect(most).toBe(3);
  });

  it('keeps its books in memory bounded by the cap', () => {
    const spec = { cap: 200, windowMs: 1_000 };
    const pacer = createPacer(spec, START_MS, 'fresh');
    drive(pacer, { ...during(20, spec), rttMs: [5, 30], seed: 3 });
    expect(pacer.occupied(at(20_000))).toBeLessThanOrEqual(200);
    const { occupied } = pacer.snapshot(at(20_000));
    expect(occupied.length).toBeLessThanOrEqual(21);
  });
});

/** The lowest level a bucket of this kind reaches over these arrivals. */
const lowest = (passed: readonly Passed[], { cap, windowMs, burst }: Required<Omit<RateSpec, 'concurrency'>>) => {
  let [level, atMs] = [burst, START_MS];
  return Math.min(
    ...passed
      .map(({ arrivedMs }) => arrivedMs)
      .toSorted((a, b) => a - b)
      .map((arrivedMs) => {
        level = Math.min(burst, level + ((arrivedMs - atMs) * cap) / windowMs) - 1;
        atMs = arrivedMs;
        return level;
      }),
  );
};

describe('pacing a token bucket', () => {
  const bursts = fc.record({
    cap: fc.integer({ min: 1, max: 60 }),
    windowMs: fc.constantFrom(250, 1_000),
    burst: fc.integer({ min: 1, max: 80 }),
  });

  it('never empties the bucket of the service, and never sends more than the larger of burst and cap in a window', () => {
    fc.assert(
      fc.property(bursts, jitter, seeds, (spec, rttMs, seed) => {
        const passed = drive(createPacer(spec, START_MS, 'fresh'), { ...during(6, spec), rttMs, seed });
        expect(lowest(passed, spec)).toBeGreaterThan(-1e-3);
        expect(mostInWindow(arrivals(passed), spec.windowMs)).toBeLessThanOrEqual(Math.max(spec.burst, spec.cap));
      }),
      { numRuns: 40, seed: 2 },
    );
  });

  it('sends a burst at once, then keeps to the lasting rate', () => {
    const spec = { cap: 10, windowMs: 1_000, burst: 20 };
    const passed = drive(createPacer(spec, START_MS, 'fresh'), { ...during(20, spec), rttMs: [20, 20], seed: 1 });
    expect(passed.filter(({ departedMs }) => departedMs === START_MS)).toHaveLength(20);
    expect(passed.length).toBeGreaterThan(20 + 10 * 19 * 0.95);
  });

  it('slows both refill and burst to a lower limit', () => {
    const pacer = createPacer({ cap: 10, windowMs: 1_000, burst: 20 }, 0, 'fresh');
    pacer.setLimit(1);
    pacer.departed('a', 0);
    pacer.departed('b', 0);
    expect(pacer.earliest(0)).toBe('after-answer');
    pacer.answered('a', 0, true);
    pacer.answered('b', 0, true);
    expect(pacer.earliest(0)).toBeGreaterThanOrEqual(1_000);
  });
});

describe('taking over', () => {
  const LEASE_MS = 2_100;
  const kinds = fc.oneof(
    specs,
    specs.map((spec) => ({ ...spec, burst: spec.cap + 5 })),
  );

  it('never exceeds the cap together with a predecessor that died at any moment of its lease', () => {
    fc.assert(
      fc.property(kinds, seeds, fc.double({ min: 0, max: 1, noNaN: true }), (spec, seed, share) => {
        const first = createPacer(spec, START_MS, 'fresh');
        let snapshotMs = 0;
        let snapshot: PacerSnapshot = { occupied: [], unanswered: 0 };
        const dueMs = at(1.5 * spec.windowMs);
        // It takes a snapshot, goes on for some of its lease, and dies: of what it sent since, nobody hears.
        const before = drive(first, {
          fromMs: START_MS,
          toMs: dueMs + share * LEASE_MS,
          rttMs: [5, 60],
          seed,
          once: {
            atMs: dueMs,
            run: (nowMs) => {
              snapshotMs = nowMs;
              snapshot = JSON.parse(JSON.stringify(first.snapshot(nowMs)));
            },
          },
        });
        fc.pre(snapshotMs > 0);
        const takeoverMs = snapshotMs + LEASE_MS + 60;
        const second = createPacer(spec, takeoverMs, { snapshot, unseenMs: LEASE_MS });
        const after = drive(second, {
          fromMs: takeoverMs,
          toMs: takeoverMs + 2 * spec.windowMs,
          rttMs: [5, 60],
          seed: seed + 1,
        });
        const most = mostInWindow(arrivals([...before, ...after]), spec.windowMs);
        const burst = 'burst' in spec ? spec.burst : Infinity;
        expect(most).toBeLessThanOrEqual(burst === Infinity ? spec.cap : burst);
        expect(lowest([...before, ...after], { ...spec, burst })).toBeGreaterThan(-1e-3);
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  it('starts a second’s window full after a crash, but not a minute’s', () => {
    const left: PacerStart = { snapshot: { occupied: [], unanswered: 0 }, unseenMs: LEASE_MS };
    const second = createPacer({ cap: 50, windowMs: 1_000 }, 0, left);
    expect(second.earliest(0)).toBe(1_001);
    const minute = createPacer({ cap: 60, windowMs: 60_000 }, 0, left);
    expect(minute.earliest(0)).toBe(0);
    expect(minute.occupied(0)).toBe(4);
  });

  it('goes on at once after an orderly hand-over, at the pace of the permits that come free', () => {
    const spec = { cap: 50, windowMs: 1_000 };
    const first = createPacer(spec, START_MS, 'fresh');
    const before = drive(first, { ...during(3, spec), rttMs: [5, 5], seed: 1 });
    for (const [id] of before.entries()) first.withheld(id);
    const snapshot = first.snapshot(at(3_000));
    const second = createPacer(spec, at(3_000), { snapshot, unseenMs: 0 });
    expect(second.earliest(at(3_000))).toBeLessThanOrEqual(at(3_100));
    expect(second.occupied(at(3_000))).toBe(first.occupied(at(3_000)));
  });

  it('waits one whole window when nothing is known of the past', () => {
    const pacer = createPacer({ cap: 3, windowMs: 1_000, burst: 5 }, 0, 'unknown');
    expect(pacer.earliest(0)).toBe(1_001);
  });

  it('holds the slots of requests a dead predecessor left under way for one window', () => {
    const start: PacerStart = { snapshot: { occupied: [], unanswered: 2 }, unseenMs: 0 };
    const pacer = createPacer({ cap: 50, windowMs: 1_000, concurrency: 2 }, 0, start);
    expect(pacer.earliest(0)).toBe(1_000);
    expect(pacer.snapshot(0).unanswered).toBe(2);
    expect(pacer.earliest(1_000)).toBe(1_000);
    expect(pacer.snapshot(1_000).unanswered).toBe(0);
  });
});
