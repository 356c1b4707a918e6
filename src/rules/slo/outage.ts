import type { JobTimes } from './latency.ts';

/** When the service was down for everyone; `toMs` is absent while it is. Epoch milliseconds. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs?: number;
}

/**
 * Whether a job met an outage. Such a job is no sample of errors or latency: otherwise the hold during the outage would turn
 * into an abort the moment it is over. Its cost counts.
 */
export function metOutage({ startedMs, finishedMs = Infinity }: JobTimes, outages: readonly Outage[]): boolean {
  return outages.some(({ fromMs, toMs = Infinity }) => startedMs <= toMs && finishedMs >= fromMs);
}
