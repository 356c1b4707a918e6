/** One body's part of the budget. */
interface ByteShare {
  /** Counts bytes that now lie in memory; may cut off another share, or this one. */
  readonly add: (bytes: number) => void;
  readonly close: () => void;
}

interface Share {
  bytes: number;
  readonly cut: () => void;
}

/** Memory for bodies that are being read, all of them together. */
export interface ByteBudget {
  readonly open: (cut: () => void) => ByteShare;
}

/**
 * Over the budget, the largest unfinished body is cut off: a webhook has some kilobytes, so those who fill the memory lose it and
 * honest senders keep their place.
 */
export function createByteBudget(maxBytes: number): ByteBudget {
  const shares = new Set<Share>();
  let used = 0;

  const close = (share: Share): void => {
    if (shares.delete(share)) used -= share.bytes;
  };

  /** It has at least what `newest` just added, so one is enough. */
  const cutLargest = (newest: Share): void => {
    let largest = newest;
    for (const share of shares) if (share.bytes > largest.bytes) largest = share;
    close(largest);
    largest.cut();
  };

  return {
    open: (cut) => {
      const share = { bytes: 0, cut };
      shares.add(share);
      return {
        add: (bytes) => {
          if (!shares.has(share)) return;
          share.bytes += bytes;
          used += bytes;
          if (used > maxBytes) cutLargest(share);
        },
        close: () => close(share),
      };
    },
  };
}
