/** Share of the cap that polls may use, so that webhooks' results, lookups and cancellations never queue behind them. */
export const POLL_SHARE = 0.5;

/** Keeps polls to their share of the limit in force, whatever has piled up. */
export interface PollShare {
  /** When the next poll may leave, in the milliseconds of `nowMs`. */
  readonly earliest: (nowMs: number, rate: { readonly limit: number; readonly windowMs: number }) => number;
  readonly departed: (nowMs: number) => void;
}

/**
 * Polls leave at even distances, `window / (limit · share)`: of `t` windows they take `t · limit · share` and one at most.
 *
 * @param share above 0 up to 1
 */
export function createPollShare(share: number): PollShare {
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    earliest: (nowMs, { limit, windowMs }) => Math.max(nowMs, lastMs + windowMs / (limit * share)),
    departed: (nowMs) => {
      lastMs = nowMs;
    },
  };
}
