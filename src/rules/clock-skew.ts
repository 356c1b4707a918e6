/** When a service said which time it had. */
export interface ClockSample {
  /** What the service's clock showed, cut down to `resolutionMs`. */
  readonly serverMs: number;
  /** 1000 for a `Date` header. */
  readonly resolutionMs: number;
  /** Our wall time before and after the moment the service looked at its clock. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/**
 * What is known of the difference between a service's clock and ours: it lies between `minMs` and `maxMs` (positive: theirs is ahead).
 * Every answer bounds it by an interval, and the intersection of many is far narrower than the second a `Date` header resolves.
 */
export interface ClockSkew {
  readonly minMs: number;
  readonly maxMs: number;
  /** Our wall time of the last sample. */
  readonly atMs: number;
  /** Samples in a row that contradict the interval. */
  readonly dissent: number;
}

/** Clocks drift apart by this much: the bounds widen with age, so that old samples do not bind for ever. */
const DRIFT = 100e-6;

/** One stray sample (an answer out of a cache, say) proves nothing; this many in a row show that a clock was set. */
const DISSENT_LIMIT = 3;

/** Takes one more sample into account. */
export function learnSkew(known: ClockSkew | undefined, sample: ClockSample): ClockSkew {
  const fresh: ClockSkew = {
    minMs: sample.serverMs - sample.receivedMs,
    maxMs: sample.serverMs + sample.resolutionMs - sample.sentMs,
    atMs: sample.receivedMs,
    dissent: 0,
  };
  if (known === undefined) return fresh;
  const drift = Math.abs(sample.receivedMs - known.atMs) * DRIFT;
  const minMs = Math.max(known.minMs - drift, fresh.minMs);
  const maxMs = Math.min(known.maxMs + drift, fresh.maxMs);
  if (minMs <= maxMs) return { ...fresh, minMs, maxMs };
  return known.dissent + 1 < DISSENT_LIMIT ? { ...known, dissent: known.dissent + 1 } : fresh;
}

/** The best guess at the difference and how far it may be off, in milliseconds. */
export function skewOf(skew: ClockSkew): { readonly offsetMs: number; readonly uncertaintyMs: number } {
  return { offsetMs: (skew.minMs + skew.maxMs) / 2, uncertaintyMs: (skew.maxMs - skew.minMs) / 2 };
}

/** What to warn of when the clocks differ for certain by more than the tolerance; `undefined` while they may not. */
export function skewWarning(skew: ClockSkew, nowMs: number, toleranceMs: number): string | undefined {
  const { offsetMs, uncertaintyMs } = skewOf(skew);
  if (Math.abs(offsetMs) - uncertaintyMs <= toleranceMs) return undefined;
  return (
    `The service's clock shows ${time(nowMs + offsetMs)} when ours shows ${time(nowMs)}: ${seconds(offsetMs)} s ` +
    `${offsetMs > 0 ? 'ahead' : 'behind'}, more than the tolerance of ${seconds(toleranceMs)} s. Check both clocks' synchronisation.`
  );
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function seconds(ms: number): string {
  return (Math.abs(ms) / 1000).toFixed(1);
}
