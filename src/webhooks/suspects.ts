import { boundedMap } from './bounded-map.ts';

const MAX_SOURCES = 10_000;
/** Bad signatures forgotten per millisecond: one a second. */
const FORGET_PER_MS = 1 / 1000;

/** Which sources sent many bad signatures of late. */
export interface Suspects {
  readonly accuse: (source: string) => void;
  readonly isSuspect: (source: string) => boolean;
}

/** A leaky count per source; `limit` and above is suspect. The sources are bounded in number. */
export function createSuspects(limit: number, now: () => number): Suspects {
  const scores = boundedMap<{ readonly score: number; readonly atMs: number }>(MAX_SOURCES);
  const scoreOf = (source: string): number => {
    const entry = scores.get(source);
    return entry ? Math.max(0, entry.score - (now() - entry.atMs) * FORGET_PER_MS) : 0;
  };
  return {
    // Capped at twice the limit, so that even the worst source is forgotten within `limit` seconds.
    accuse: (source) => scores.set(source, { score: Math.min(scoreOf(source) + 1, 2 * limit), atMs: now() }),
    isSuspect: (source) => scoreOf(source) >= limit,
  };
}
