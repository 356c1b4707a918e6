import { describe, expect, it } from '@jest/globals';
import { createGateSchedule } from '../../../src/rules/gate/schedule.ts';
import type { GateSchedule, GateSpec, Next, Waiting } from '../../../src/rules/gate/schedule.ts';
import { simulate, START_MS } from './simulate.ts';

const RATE = { cap: 10, windowMs: 1_000 };
const HOUR_MS = 3_600_000;
const BOTH = { submit: 9, read: 9 };
const accepted = { limits: {} };
const down = {
  limits: {},
  failure: { code: 'SERVICE_UNAVAILABLE', retryable: true, arrival: 'maybe', throttled: false, message: '' },
} as const;

const fresh = (spec: Partial<GateSpec> = {}) => createGateSchedule({ rate: RATE, ...spec }, 0, 'fresh');

/** Sends and has answered at once whatever the schedule lets pass, `times` times. */
function run(
  schedule: GateSchedule,
  times: number,
  waiting: Waiting = BOTH,
  fromMs = 0,
): { kinds: string[]; nowMs: number } {
  const kinds: string[] = [];
  let nowMs = fromMs;
  while (kinds.length < times) {
    const next = schedule.next(nowMs, waiting);
    if (next.send === undefined) {
      nowMs = next.retryAtMs!;
      continue;
    }
    schedule.departed(`${fromMs}-${kinds.length}`, next.send, nowMs);
    schedule.answered(`${fromMs}-${kinds.length}`, accepted, nowMs);
    kinds.push(next.send);
  }
  return { kinds, nowMs };
}

const share = (kinds: readonly string[]) => kinds.filter((kind) => kind === 'read').length / kinds.length;

describe('the classes', () => {
  it('submits go first, reads keep a fifth while both wait', () => {
    expect(run(fresh(), 10).kinds.join(' ')).toBe('submit submit submit submit read submit submit submit submit read');
  });

  it.each([0, 0.1, 0.5, 1])('reads keep the share of %d that is configured', (readFloor) => {
    expect(share(run(fresh({ readFloor }), 200).kinds)).toBeCloseTo(readFloor, 2);
  });

  it('each takes everything while the other does not wait', () => {
    expect(new Set(run(fresh(), 20, { submit: 1, read: 0 }).kinds)).toEqual(new Set(['submit']));
    expect(new Set(run(fresh(), 20, { submit: 0, read: 1 }).kinds)).toEqual(new Set(['read']));
  });

  it('reads do not save up what they did not ask for', () => {
    const schedule = fresh();
    const { nowMs } = run(schedule, 50, { submit: 1, read: 0 });
    expect(run(schedule, 6, BOTH, nowMs).kinds.join(' ')).toBe('read submit submit submit read submit');
  });

  it('polls never take more than half of the limit, however many have piled up', () => {
    const { kinds, nowMs } = run(fresh(), 51, { submit: 0, read: 0, poll: 1_000 });
    expect(new Set(kinds)).toEqual(new Set(['poll']));
    expect(nowMs).toBe(50 * 200);
  });

  it('polls wait behind other reads, and share with submits what those leave', () => {
    const { kinds } = run(fresh(), 100, { submit: 9, read: 9, poll: 9 });
    expect(kinds).not.toContain('poll');
    const counts = run(fresh(), 200, { submit: 9, read: 0, poll: 9 }).kinds;
    expect(counts.filter((turn) => turn === 'poll').length / counts.length).toBeCloseTo(0.2, 1);
  });

  it('says until when polls have used their share', () => {
    const schedule = fresh();
    run(schedule, 1, { submit: 0, read: 0, poll: 1 });
    expect(schedule.next(100, { submit: 0, read: 0, poll: 1 })).toEqual({
      retryAtMs: 200,
      because: 'Polls have used their share of the limit.',
    });
    expect(schedule.next(100, { submit: 0, read: 1, poll: 1 })).toEqual({ send: 'read' });
  });

  it('nothing waits: nothing to do', () => {
    expect(fresh().next(0, { submit: 0, read: 0 })).toEqual({ retryAtMs: undefined, because: 'Nothing waits.' });
  });

  it('a class with a limit of its own keeps to it and leaves the rest to the other', () => {
    const spec: GateSpec = { rate: { cap: 40, windowMs: 1_000 }, classes: { submit: { cap: 5, windowMs: 1_000 } } };
    const { sent } = simulate({ spec, limit: { rate: 40 }, rttMs: [10, 10], durationMs: 20_000, seed: 1 });
    const submits = sent.filter(({ kind }) => kind === 'submit').length / 20;
    expect(submits).toBeLessThanOrEqual(5);
    expect(submits).toBeGreaterThan(4.7);
    expect(sent.length / 20).toBeGreaterThan(0.95 * 40);
  });

  it('says when the first of two limited classes may go on', () => {
    const schedule = fresh({
      rate: { cap: 1_000, windowMs: 1_000 },
      classes: { submit: { cap: 1, windowMs: 60_000 }, read: { cap: 1, windowMs: 2_000 } },
    });
    run(schedule, 2);
    expect(schedule.next(5, BOTH)).toEqual({
      retryAtMs: 2_001,
      because: 'The limit of read requests is used up.',
    });
    schedule.departed('r', 'read', 2_100);
    expect(schedule.next(2_200, { submit: 0, read: 1 })).toEqual({
      retryAtMs: undefined,
      because: 'The limit of read requests is used up.',
    });
  });
});

describe('what keeps everything back', () => {
  it('a closed gate, until it is opened', () => {
    const schedule = fresh();
    schedule.close('Killed by ann: bad results.');
    expect(schedule.next(0, BOTH)).toEqual({ retryAtMs: undefined, because: 'Killed by ann: bad results.' });
    expect(schedule.view(0).closed).toBe('Killed by ann: bad results.');
    schedule.open();
    expect(schedule.next(0, BOTH)).toEqual({ send: 'submit' });
    expect(schedule.view(0)).not.toHaveProperty('closed');
  });

  it('the pace, and a freeze', () => {
    const schedule = fresh();
    schedule.departed('a', 'submit', 0);
    expect(schedule.next(0, BOTH)).toEqual({ retryAtMs: 80, because: 'At the configured cap.' });
    const throttled = { ...down.failure, code: 'THROTTLED', status: 429, retryAfterMs: 5_000 } as const;
    schedule.answered('a', { limits: {}, failure: throttled }, 100);
    expect(schedule.next(100, BOTH)).toEqual({ retryAtMs: 5_100, because: 'The service asked everybody to wait.' });
    expect(schedule.view(100).rate).toMatchObject({ phase: 'measuring', frozenUntilMs: 5_100, windowMs: 1_000 });
  });

  it('an open breaker: one probe, a read where one waits', () => {
    const schedule = fresh({ breaker: { consecutive: 1 } });
    schedule.departed('a', 'submit', 0);
    schedule.answered('a', down, 10);
    const because = 'The breaker is open. 1 requests in a row found the service unavailable.';
    expect(schedule.next(100, BOTH)).toEqual({ retryAtMs: 10_010, because });
    expect(schedule.next(10_010, BOTH)).toEqual({ send: 'read' });
    expect(schedule.next(10_010, { submit: 1, read: 0 })).toEqual({ send: 'submit' });
    schedule.departed('p', 'read', 10_010);
    expect(schedule.next(10_011, BOTH)).toEqual({ retryAtMs: undefined, because });
    expect(schedule.view(10_011).breaker.state).toBe('half-open');
    schedule.answered('p', undefined, 10_020);
    expect(schedule.next(10_200, BOTH)).toEqual({ send: 'read' });
  });
});

const keep = (schedule: GateSchedule, nowMs: number) => schedule.acknowledged(schedule.snapshot(nowMs));

describe('money', () => {
  const prices = { submit: 100, read: 1 };
  const paid = (spec: Partial<GateSpec> = {}) => fresh({ prices, budget: { hourlyMicros: 1_000 }, ...spec });

  it('a submit waits until spending has been set aside; a read does not', () => {
    const schedule = paid();
    expect(schedule.next(0, { submit: 1, read: 0 })).toEqual({
      retryAtMs: undefined,
      because: 'Waiting for spending to be set aside.',
    });
    expect(schedule.next(0, BOTH)).toEqual({ send: 'read' });
    expect(schedule.view(0)).not.toHaveProperty('submitsHeld');
    keep(schedule, 0);
    expect(schedule.next(0, BOTH)).toEqual({ send: 'submit' });
  });

  it('a spent budget keeps submits back until the window turns or it is raised; reads go on', () => {
    const schedule = paid();
    keep(schedule, 0);
    const { nowMs } = run(schedule, 10, { submit: 1, read: 0 });
    const because =
      'The hourly budget is spent ($0.0010 of $0.0010): submits wait until 1970-01-01T01:00:00.000Z or until it is raised.';
    expect(schedule.next(nowMs + 500, { submit: 1, read: 0 })).toEqual({ retryAtMs: HOUR_MS, because });
    expect(schedule.next(nowMs + 500, BOTH)).toEqual({ send: 'read' });
    expect(schedule.view(nowMs)).toMatchObject({ submitsHeld: because });
    expect(schedule.takeAlarms(nowMs)).toMatchObject([{ window: 'hourly', level: 'exhausted' }]);
    schedule.setBudget({ hourlyMicros: 2_000 }, nowMs);
    keep(schedule, nowMs);
    expect(schedule.next(nowMs + 500, { submit: 1, read: 0 })).toEqual({ send: 'submit' });
  });

  it('what was withheld costs nothing, what was charged beyond the estimate counts, all by owner', () => {
    const schedule = paid();
    const owner = { unit: 'acme', tags: { team: 'x' } };
    schedule.departed('a', 'submit', 0, owner);
    schedule.departed('b', 'submit', 100, owner);
    schedule.answered('b', undefined, 100);
    schedule.answered('a', accepted, 110);
    schedule.answered('a', accepted, 120);
    schedule.charge(25, owner, 130);
    const { costs, budget, inFlight } = schedule.view(130);
    expect(costs).toMatchObject({ totalMicros: 125, units: { acme: 125 }, tags: { 'team=x': 125 } });
    expect(budget[0]).toMatchObject({ spentMicros: 125 });
    expect(inFlight).toBe(0);
  });

  it('a budget of a hundred jobs is never overspent, though the holder crashes twice', () => {
    const spec: GateSpec = { rate: { cap: 50, windowMs: 1_000 }, prices, budget: { hourlyMicros: 10_000 } };
    let submits = 0;
    let schedule = createGateSchedule(spec, 0, 'fresh');
    let stored = schedule.snapshot(0);
    for (let nowMs = 0; nowMs < 60_000; nowMs += 5) {
      if (nowMs % 500 === 0) {
        stored = JSON.parse(JSON.stringify(schedule.snapshot(nowMs)));
        schedule.acknowledged(stored);
      }
      if (nowMs === 755 || nowMs === 5_040) {
        schedule = createGateSchedule(spec, nowMs, { snapshot: stored, unseenMs: 700 });
      }
      if (schedule.next(nowMs, { submit: 1, read: 0 }).send === undefined) continue;
      schedule.departed(nowMs, 'submit', nowMs);
      schedule.answered(nowMs, accepted, nowMs);
      submits += 1;
    }
    expect(submits).toBeLessThanOrEqual(100);
    expect(submits).toBeGreaterThan(0);
  });
});

describe('handing over', () => {
  const spec: GateSpec = {
    rate: { cap: 200, windowMs: 1_000, burst: 300 },
    classes: { read: { cap: 50, windowMs: 1_000 } },
    budget: { dailyMicros: 1_000_000 },
    prices: { submit: 10, read: 1 },
  };

  it('the successor sees what the predecessor saw, and the snapshot stays small', () => {
    const { schedule, sent } = simulate({
      spec,
      limit: { rate: 200, burst: 300 },
      rttMs: [5, 30],
      durationMs: 3_000,
      seed: 1,
    });
    expect(sent.length).toBeGreaterThan(0);
    const atMs = START_MS + 3_000;
    schedule.departed('last', 'read', atMs);
    const snapshot = JSON.parse(JSON.stringify(schedule.finalSnapshot(atMs)));
    expect(JSON.stringify(snapshot).length).toBeLessThan(4_000);
    const next = createGateSchedule(spec, atMs, { snapshot, unseenMs: 0 });
    const { inFlight, ...seen } = schedule.view(atMs);
    expect(next.view(atMs)).toMatchObject({ ...seen, inFlight: 0 });
    expect(inFlight).toBe(1);
  });

  it('a class whose limit is new, or a gate of unknown past, waits for one window', () => {
    const snapshot = createGateSchedule({ rate: RATE }, 0, 'fresh').snapshot(0);
    const limited = { rate: RATE, classes: { read: RATE } };
    const next: Next = createGateSchedule(limited, 0, { snapshot, unseenMs: 0 }).next(0, { submit: 0, read: 1 });
    expect(next).toEqual({ retryAtMs: 1_001, because: 'The limit of read requests is used up.' });
    expect(createGateSchedule({ rate: RATE }, 0, 'unknown').next(0, BOTH)).toMatchObject({ retryAtMs: 1_001 });
  });
});
