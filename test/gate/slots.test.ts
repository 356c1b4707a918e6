import { describe, expect, it } from '@jest/globals';
import type { SlotReserveContext } from '@temporalio/worker';
import { createSlots } from '../../src/workers/gate/slots.ts';

const CONTEXT = {} as SlotReserveContext; // not looked at

/** Slots and how many reservations have been granted. */
function reserving(count: number) {
  const { supplier, limit } = createSlots();
  const abort = new AbortController();
  let granted = 0;
  const reservations = Array.from({ length: count }, async () => {
    const permit = await supplier.reserveSlot(CONTEXT, abort.signal);
    granted += 1;
    return permit;
  });
  const settled = Promise.allSettled(reservations);
  const grantedNow = async (): Promise<number> => {
    await new Promise((resolve) => setImmediate(resolve));
    return granted;
  };
  return { supplier, limit, abort, settled, grantedNow };
}

describe('slots', () => {
  it('are none at first, so that nothing is fetched, and come in order as the limit rises', async () => {
    const { supplier, limit, grantedNow } = reserving(3);
    expect(supplier.tryReserveSlot({ ...CONTEXT, slotType: 'activity' } as never)).toBeNull();
    expect(await grantedNow()).toBe(0);
    limit(2);
    expect(await grantedNow()).toBe(2);
    limit(3);
    expect(await grantedNow()).toBe(3);
  });

  it('are given on as tasks end, but not beyond a limit that was lowered meanwhile', async () => {
    const { supplier, limit, grantedNow } = reserving(4);
    const ended = { slotInfo: {}, permit: {} } as never;
    limit(2);
    expect(await grantedNow()).toBe(2);
    supplier.releaseSlot(ended);
    expect(await grantedNow()).toBe(3);
    limit(1);
    supplier.releaseSlot(ended);
    expect(await grantedNow()).toBe(3);
    supplier.releaseSlot(ended);
    expect(await grantedNow()).toBe(4);
  });

  it('reject a reservation that is given up, with the reason the SDK gave, and keep nothing for it', async () => {
    const { supplier, limit, abort, settled, grantedNow } = reserving(1);
    abort.abort('shut down');
    expect(await settled).toEqual([{ status: 'rejected', reason: 'shut down' }]);
    await expect(supplier.reserveSlot(CONTEXT, abort.signal)).rejects.toBe('shut down');
    limit(5);
    expect(await grantedNow()).toBe(0);
  });
});
