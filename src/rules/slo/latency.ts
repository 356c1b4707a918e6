import type { Tally } from './counters.ts';
import { leastAbove } from './least.ts';
import { lnBinomialCdf } from './special-functions.ts';
import type { LatencyWatcher } from './watchers.ts';

/** A job as far as its duration goes; `finishedMs` is absent while it runs. Epoch milliseconds. */
export interface JobTimes {
  readonly startedMs: number;
  readonly finishedMs?: number;
}

/**
 * Whether a job is slower than a threshold, and when that came to be known; `undefined` while it is too young to tell.
 *
 * A job enters when its *age* passes the threshold, finished or not. Would finished ones enter at once, a fresh stage would
 * see only the fast ones: the slow are still running. Exactly at the threshold is not slow.
 * @param asOfMs the time up to which it is known what has finished, which may be well before now
 */
export function latencyEntry(
  { startedMs, finishedMs }: JobTimes,
  thresholdMs: number,
  asOfMs: number,
): { readonly atMs: number; readonly slow: boolean } | undefined {
  if (asOfMs - startedMs <= thresholdMs) return undefined;
  return {
    atMs: startedMs + thresholdMs,
    slow: finishedMs === undefined || finishedMs - startedMs > thresholdMs,
  };
}

/** The share of jobs that may be slower than a percentile. Rounded, because 1 − 0.95 is not 0.05 in binary. */
export function slowBudget({ percentile }: Pick<LatencyWatcher, 'percentile'>): number {
  return Number((1 - percentile).toPrecision(12));
}

/** "P95 is above T" is "more than 5 % are slower than T", told from a fifth of that. */
export function slowShares(watcher: Pick<LatencyWatcher, 'percentile'>): { readonly p0: number; readonly p1: number } {
  const p1 = slowBudget(watcher);
  return { p0: p1 / 5, p1 };
}

/**
 * Evidence, in nats, that fewer are slow than the budget: −ln BinCDF(k; n, budget), the counts discounted by `phi`
 * (the exact binomial bound of a percentile, arXiv 2402.19109). Promote at ln(1/α). α = 0.001, when looking at every request,
 * promotes a service that is exactly at the budget in 0.46 % of runs of 500.
 */
export function fastEvidence({ n, k }: Tally, budget: number, phi: number): number {
  return -lnBinomialCdf(k / phi, n / phi, budget);
}

/** How many samples a promotion needs when k of them are slow. */
export function fastFrom(k: number, budget: number, alpha: number, phi: number): number {
  return leastAbove(k, (n) => fastEvidence({ n, k }, budget, phi) >= Math.log(1 / alpha));
}
