import { afterEach, describe, expect, it } from '@jest/globals';
import { createLease, type HeartbeatAnswer, type Lease } from '../../src/workers/gate/lease.ts';
import { until } from '../helpers/until.ts';

const leases: Lease[] = [];
afterEach(async () => {
  await Promise.all(leases.splice(0).map((lease) => lease.release()));
});

/** A lease of 1000 ms on a clock the test sets; each heartbeat answers what `answer` says at that time. */
function leased(answer: () => Promise<HeartbeatAnswer>) {
  const world = { nowMs: 10_000, answer, heartbeats: 0, restMs: 0 };
  const lease = createLease({
    heartbeat: async () => {
      world.heartbeats += 1;
      return world.answer();
    },
    timeoutMs: 1_000,
    everyMs: 5,
    mayRest: (sinceMs) => sinceMs < world.restMs,
    monotonicMs: () => world.nowMs,
  });
  leases.push(lease);
  return { lease, world };
}

describe('a lease', () => {
  it('is not valid before the first acknowledged heartbeat', async () => {
    const { lease } = leased(async () => new Promise(() => undefined));
    expect(lease.valid()).toBe(false);
    leases.length = 0; // its heartbeat never ends, so neither would its release
  });

  it('holds for 0.7 of the timeout from the beginning of an acknowledged heartbeat, however long the answer took', async () => {
    let acknowledge!: (answer: HeartbeatAnswer) => void;
    const { lease, world } = leased(
      async () =>
        new Promise((resolve) => {
          acknowledge = resolve;
        }),
    );
    world.nowMs += 600;
    acknowledge('held');
    await until('it is valid', () => lease.valid());
    world.nowMs = 10_699;
    expect(lease.valid()).toBe(true);
    world.nowMs = 10_700;
    expect(lease.valid()).toBe(false);
    world.answer = async () => 'closed';
    acknowledge('closed');
  });

  it('is over in a process that was frozen, the moment it wakes up, and valid again only once acknowledged anew', async () => {
    const { lease, world } = leased(async () => 'held');
    await lease.renew();
    expect(lease.valid()).toBe(true);
    world.answer = async () => new Promise((resolve) => setTimeout(() => resolve('held'), 30));
    world.nowMs += 5_000; // no timer ran meanwhile
    expect(lease.valid()).toBe(false);
    await until('it is renewed', () => lease.valid());
  });

  it('runs out while heartbeats fail, without ever being told, and goes on trying', async () => {
    const { lease, world } = leased(async () => 'held');
    await lease.renew();
    world.answer = async () => {
      throw new Error('unreachable');
    };
    const before = world.heartbeats;
    await until('it tries again', () => world.heartbeats > before + 2);
    expect(lease.valid()).toBe(true);
    world.nowMs += 700;
    expect(lease.valid()).toBe(false);
    world.answer = async () => 'held';
    await until('it is renewed', () => lease.valid());
  });

  it.each(['closed', 'superseded'] as const)('ends for good when a heartbeat is answered with %s', async (end) => {
    const { lease, world } = leased(async () => 'held');
    await lease.renew();
    world.answer = async () => end;
    await expect(lease.ended).resolves.toBe(end);
    expect(lease.valid()).toBe(false);
    world.answer = async () => 'held';
    await lease.renew();
    expect(lease.valid()).toBe(false);
  });

  it('leaves heartbeats out while it may rest, and none longer', async () => {
    const { lease, world } = leased(async () => 'held');
    await until('it is renewed as ever', () => world.heartbeats > 2);
    world.restMs = 400;
    await lease.renew();
    const before = world.heartbeats;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(world.heartbeats - before).toBeLessThanOrEqual(1); // one may have been due
    const rested = world.heartbeats;
    world.nowMs += 401;
    await until('it is renewed again', () => world.heartbeats > rested);
  });

  it('repeats a heartbeat that failed at once, whether or not it might rest', async () => {
    const { lease, world } = leased(async () => 'held');
    await lease.renew();
    world.restMs = 400;
    world.answer = async () => Promise.reject(new Error('unreachable'));
    world.nowMs += 401;
    const before = world.heartbeats;
    await until('it is tried again and again, on a clock that stands', () => world.heartbeats > before + 2);
    world.answer = async () => 'held';
    await until('it is renewed', () => lease.valid());
    expect(world.heartbeats).toBeGreaterThan(before + 2);
  });

  it('is not valid once it is released, and renews no more', async () => {
    const { lease, world } = leased(async () => 'held');
    await lease.renew();
    await lease.release();
    const before = world.heartbeats;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([lease.valid(), world.heartbeats]).toEqual([false, before]);
  });

  it('passes the error of a heartbeat on to whoever asked for it', async () => {
    const { lease } = leased(async () => {
      throw new Error('unreachable');
    });
    await expect(lease.renew()).rejects.toThrow('unreachable');
  });
});
