import type { ActivitySlotInfo, CustomSlotSupplier } from '@temporalio/worker';

/** Slots of one queue: how many tasks may be in hand, and whether any may be fetched at all. */
export interface Slots {
  readonly supplier: CustomSlotSupplier<ActivitySlotInfo>;
  /** Most tasks in hand from now on; 0 fetches nothing more, so that tasks wait in Temporal. */
  readonly limit: (most: number) => void;
}

/** A slot supplier whose size is set while it works. Waiting tasks stay in Temporal's queue instead of in a held slot. */
export function createSlots(): Slots {
  let most = 0;
  let reserved = 0;
  const waiting = new Set<() => void>();

  const grant = (): void => {
    for (const take of waiting) {
      if (reserved >= most) return;
      waiting.delete(take);
      take();
    }
  };

  return {
    limit: (next) => {
      most = next;
      grant();
    },
    supplier: {
      type: 'custom',
      reserveSlot: (_context, abortSignal) =>
        new Promise((resolve, reject) => {
          const take = (): void => {
            reserved += 1;
            abortSignal.removeEventListener('abort', abort);
            resolve({});
          };
          const abort = (): void => {
            waiting.delete(take);
            // The SDK logs any other reason as an error of ours.
            reject(abortSignal.reason as Error);
          };
          if (abortSignal.aborted) return abort();
          abortSignal.addEventListener('abort', abort, { once: true });
          waiting.add(take);
          grant();
        }),
      tryReserveSlot: () => null,
      markSlotUsed: () => undefined,
      releaseSlot: () => {
        reserved -= 1;
        grant();
      },
    },
  };
}
