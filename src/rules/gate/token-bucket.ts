/** The lowest level a service's token bucket can have. Time never runs backwards here. */
export interface TokenBucket {
  /** Slows refill and shrinks the capacity to this share of what was declared. */
  readonly scale: (share: number) => void;
  readonly level: (nowMs: number) => number;
  readonly take: (nowMs: number) => void;
  /** When one more request can leave with `inFlight` under way; undefined when one of those must be answered first. */
  readonly earliest: (inFlight: number, nowMs: number) => number | undefined;
  readonly restore: (level: number) => void;
  readonly capacity: () => number;
  readonly refillPerMs: () => number;
}

/** What adding up fractions may be off by. */
const EPSILON = 1e-6;

export function createTokenBucket(burst: number, tokensPerMs: number, nowMs: number): TokenBucket {
  let share = 1;
  let tokens = burst;
  let refilledMs = nowMs;

  const capacity = () => Math.max(1, burst * share);
  const refillPerMs = () => tokensPerMs * share;

  const level = (atMs: number) => {
    tokens = Math.min(capacity(), tokens + Math.max(0, atMs - refilledMs) * refillPerMs());
    refilledMs = Math.max(refilledMs, atMs);
    return tokens;
  };

  return {
    scale: (next) => {
      share = next;
    },
    level,
    take: (atMs) => {
      tokens = level(atMs) - 1;
    },
    earliest: (inFlight, atMs) => {
      const missing = 1 + inFlight - level(atMs);
      if (missing <= EPSILON) return atMs;
      return 1 + inFlight > capacity() + EPSILON ? undefined : atMs + missing / refillPerMs();
    },
    restore: (next) => {
      tokens = Math.max(0, next);
    },
    capacity,
    refillPerMs,
  };
}
