import { setMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { OutboundRequest, RequestKind } from '../../src/http/types.ts';
import { RequestFailed } from '../../src/http/types.ts';
import { createGateSchedule, type GateSpec } from '../../src/rules/gate/schedule.ts';
import { createDispatcher, MAX_HOLD_MS, turnOf, type Sent } from '../../src/workers/gate/dispatcher.ts';
import { createGateSeat } from '../../src/workers/gate/seat.ts';
import { until } from '../helpers/until.ts';

const ANSWERED = { kind: 'submit', status: 202, elapsedMs: 5, limits: {} } as const;
const NEVER = new AbortController().signal;
setMaxListeners(Infinity, NEVER);

function request(kind: RequestKind, unit?: string): OutboundRequest {
  return { kind, method: 'POST', path: '/', repeatable: true, ...(unit === undefined ? {} : { owner: { unit } }) };
}

/** A dispatcher over a real schedule; requests that were let go are recorded and stay under way until answered. */
function dispatching(spec: Partial<GateSpec> = {}, clock = () => performance.now()) {
  const schedule = createGateSchedule({ rate: { cap: 100, windowMs: 1_000 }, ...spec }, clock(), 'fresh');
  const left: string[] = [];
  const sent: Sent[] = [];
  const world = { mayLeave: true };
  const dispatcher = createDispatcher({
    service: 'docproc',
    schedule,
    mayLeave: () => world.mayLeave,
    nowMs: clock,
    onGranted: ({ owner, kind }) => left.push(`${kind} ${owner?.unit}`),
    onSent: (each) => sent.push(each),
  });
  const send = async (kind: RequestKind, unit: string) => {
    const permit = await dispatcher.acquire(request(kind, unit), NEVER);
    permit.release?.(ANSWERED);
  };
  return { dispatcher, schedule, left, sent, world, send };
}

async function failureOf(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RequestFailed)) throw new Error(`No RequestFailed: ${String(error)}`);
  return error.failure;
}

describe('the dispatcher', () => {
  it('lets the units of one class leave in turn', async () => {
    const { left, send } = dispatching({ rate: { cap: 1, windowMs: 20 } });
    await send('submit', 'first');
    const flood = Array.from({ length: 4 }, () => send('submit', 'flood'));
    await Promise.all([...flood, send('submit', 'small')]);
    expect(left).toEqual(['first', 'flood', 'small', 'flood', 'flood', 'flood'].map((unit) => `submit ${unit}`));
  });

  it('lets submits go first, but keeps a share for reads', async () => {
    const { left, send } = dispatching({ rate: { cap: 1, windowMs: 5 } });
    const waiting = Array.from({ length: 10 }, () => [send('poll', 'u'), send('submit', 'u')]);
    await Promise.all(waiting.flat());
    const reads = left.slice(0, 10).filter((line) => line.startsWith('poll')).length;
    expect(reads).toBeGreaterThanOrEqual(2);
    expect(reads).toBeLessThanOrEqual(4);
  });

  it('keeps to the cap', async () => {
    const { left, send } = dispatching({ rate: { cap: 5, windowMs: 300 } });
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 11 }, () => send('submit', 'u')));
    expect(left).toHaveLength(11);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(600);
  });

  it('sends away what would wait for long, as throttled and never sent, with the time to come back', async () => {
    let nowMs = 1_000_000;
    const { dispatcher, send } = dispatching({ rate: { cap: 1, windowMs: 60_000 } }, () => nowMs);
    await send('submit', 'u');
    const waiting = failureOf(dispatcher.acquire(request('submit', 'u'), NEVER));
    nowMs += MAX_HOLD_MS;
    dispatcher.wake();
    expect(await waiting).toMatchObject({
      code: 'THROTTLED',
      arrival: 'never',
      throttled: true,
      retryable: true,
      retryAfterMs: 5_000,
    });
  });

  it('says whether a read would leave at once: with room, nobody before it, and the right to send', async () => {
    const { dispatcher, world, send } = dispatching({ rate: { cap: 1, windowMs: 60_000 } });
    expect(dispatcher.passesAtOnce('read')).toBe(true);
    world.mayLeave = false;
    expect(dispatcher.passesAtOnce('read')).toBe(false);
    world.mayLeave = true;
    await send('submit', 'u');
    expect(dispatcher.passesAtOnce('read')).toBe(false);
    const waiting = failureOf(dispatcher.acquire(request('submit', 'u'), NEVER));
    await dispatcher.close('done');
    await waiting;
    expect(dispatcher.passesAtOnce('read')).toBe(false);
  });

  it('says how long a class is held: not at all, until a time, or until an answer', async () => {
    let nowMs = 1_000_000;
    const spec = { rate: { cap: 1, windowMs: 10_000 } };
    const { dispatcher } = dispatching(spec, () => nowMs);
    expect(dispatcher.holdMs('submit')).toBe(0);
    const permit = await dispatcher.acquire(request('submit', 'u'), NEVER);
    expect([dispatcher.holdMs('submit'), dispatcher.inFlight()]).toEqual([0, 1]);
    permit.release?.(ANSWERED);
    nowMs += 1_000;
    expect([dispatcher.holdMs('submit'), dispatcher.inFlight()]).toEqual([9_001, 0]);
  });

  it('holds submits without an end in sight while the gate of the schedule is shut', () => {
    const { dispatcher, schedule } = dispatching();
    schedule.close('for a test');
    expect(dispatcher.holdMs('read')).toBe(Infinity);
  });

  it('withholds a granted request when the lease ran out before the socket write', async () => {
    const { dispatcher, world, sent } = dispatching();
    const permit = await dispatcher.acquire(request('submit', 'u'), NEVER);
    permit.beforeWrite?.();
    world.mayLeave = false;
    expect(await failureOf((async () => permit.beforeWrite?.())())).toMatchObject({
      code: 'THROTTLED',
      arrival: 'never',
      message: 'The gate of docproc was lost before the request left.',
    });
    permit.release?.(undefined);
    expect(sent).toEqual([{ request: request('submit', 'u'), observation: undefined }]);
    expect(dispatcher.inFlight()).toBe(0);
  });

  it('forgets a request whose activity was stopped, before or while it waits', async () => {
    const { dispatcher, left, send } = dispatching({ rate: { cap: 1, windowMs: 50 } });
    await send('submit', 'first');
    const stop = new AbortController();
    const waiting = dispatcher.acquire(request('submit', 'stopped'), stop.signal);
    const next = send('submit', 'next');
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(dispatcher.acquire(request('submit', 'late'), stop.signal)).rejects.toThrow('stopped');
    await next;
    expect(left).toEqual(['submit first', 'submit next']);
  });

  it('sends everybody away when it closes, lets nothing more pass, and is done once nothing is under way', async () => {
    const { dispatcher, send, left } = dispatching({ rate: { cap: 2, windowMs: 200 } });
    await send('submit', 'u');
    const permit = await dispatcher.acquire(request('submit', 'u'), NEVER);
    const waiting = failureOf(dispatcher.acquire(request('submit', 'u'), NEVER));
    let isIdle = false;
    const idle = dispatcher.close('stopping').then(() => (isIdle = true));
    expect(await waiting).toMatchObject({ message: 'Held back by the gate of docproc: stopping', retryAfterMs: 1_000 });
    expect((await failureOf(dispatcher.acquire(request('poll', 'u'), NEVER))).code).toBe('THROTTLED');
    expect(isIdle).toBe(false);
    permit.release?.(ANSWERED);
    await idle;
    expect(left).toHaveLength(2);
  });

  it('closes at once when nothing is under way', async () => {
    await expect(dispatching().dispatcher.close('closed')).resolves.toBeUndefined();
  });

  it('counts uploads and submits as submits, polls as polls, and everything else as reads', () => {
    const kinds: RequestKind[] = ['upload', 'submit', 'poll', 'fetch', 'list', 'lookup', 'cancel'];
    expect(kinds.map(turnOf)).toEqual(['submit', 'submit', 'poll', 'read', 'read', 'read', 'read']);
  });
});

describe('the seat of a gate', () => {
  it('lets nothing pass while it is empty, and only its present holder is unseated', async () => {
    const seat = createGateSeat('docproc');
    const failure = await failureOf(seat.acquire(request('poll'), NEVER));
    expect(failure).toMatchObject({ code: 'THROTTLED', message: 'This process no longer holds the gate of docproc.' });
    const unseatFirst = seat.take({
      acquire: async () => ({}),
      leastPollMs: () => 5,
      isDown: () => false,
      passesAtOnce: () => false,
    });
    const second = seat.take({
      acquire: async () => ({ beforeWrite: () => undefined }),
      leastPollMs: () => 7,
      isDown: () => true,
      passesAtOnce: () => true,
    });
    unseatFirst();
    expect([seat.leastPollMs(), seat.isDown()]).toEqual([7, true]);
    expect(await seat.acquire(request('poll'), NEVER)).toHaveProperty('beforeWrite');
    second();
    expect([seat.leastPollMs(), seat.isDown()]).toEqual([0, false]);
    await until('it is empty', async () => (await failureOf(seat.acquire(request('poll'), NEVER))).throttled);
  });
});
