import type { LimitReading } from '../limit-headers.ts';
import type { RateSpec } from './pacer.ts';

/** The limit a service announces in its headers, per window of ours. */
export interface Announcement {
  readonly limit: () => number | undefined;
  readonly read: (reading: LimitReading) => void;
}

/** Windows up to this long are rates, and can be converted; longer ones are quotas, obeyed by what remains of them. */
const LONGEST_RATE_WINDOW_MS = 60_000;

/**
 * Follows the announced limit. A header that names no window means ours, unless its reset shows that it is longer.
 * @param roundingMs how much a reset may be rounded up
 */
export function createAnnouncement(spec: RateSpec, roundingMs: number, restored: number | undefined): Announcement {
  let current = restored;
  /** Limits without a window whose reset was once too far away for ours. */
  const quotas = new Set<number>();
  /** What a token bucket announces is its capacity. */
  const unit = spec.burst === undefined ? 1 : spec.burst / spec.cap;

  return {
    limit: () => current,
    read: ({ limit, windowMs, resetMs }) => {
      if (limit === undefined || limit === 0 || limit === spec.concurrency) return;
      if (windowMs === undefined) {
        if (resetMs !== undefined && resetMs > spec.windowMs + roundingMs && quotas.size < 16) quotas.add(limit);
        if (!quotas.has(limit)) current = limit / unit;
      } else if (windowMs > 0 && windowMs <= Math.max(LONGEST_RATE_WINDOW_MS, spec.windowMs)) {
        current = (limit / unit) * (spec.windowMs / windowMs);
      }
    },
  };
}
