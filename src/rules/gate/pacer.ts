import { createPermits } from './permits.ts';
import type { OccupiedUntil } from './permits.ts';
import { createTokenBucket } from './token-bucket.ts';

/** How a service counts requests, as its configuration declares it. Sliding and fixed windows are paced alike: see {@link createPacer}. */
export interface RateSpec {
  /** Requests per window. */
  readonly cap: number;
  readonly windowMs: number;
  /** Present: the service counts by a token bucket of this capacity, refilled by `cap` per window. */
  readonly burst?: number;
  /** Requests under way at once. */
  readonly concurrency?: number;
}

/** Names a request under way. */
export type RequestId = string | number;

/** When the next request may leave: a time, or not before an answer came. */
export type Earliest = number | 'after-answer';

/** What our own books said of the service's window when a request reached it. */
export interface Books {
  /** Requests of ours the service may have counted in the window, this one included. */
  readonly ownAtMost: number;
  /** True when the service's token bucket may have been empty after it. */
  readonly bucketDry: boolean;
}

/**
 * What another process needs to go on without exceeding the cap. Times are relative: a new holder counts them from its own
 * start, so the clocks of the two machines need not agree, and the time that passed in between is a margin on top.
 */
export interface PacerSnapshot {
  /** Permits of answered requests and in how many milliseconds each comes free, in a few steps, rounded up. */
  readonly occupied: readonly OccupiedUntil[];
  /** Requests under way. */
  readonly unanswered: number;
  readonly tokens?: number;
}

/** What a pacer starts from: nothing sent before, anything may have been sent, or what a predecessor left. */
export type PacerStart =
  | 'fresh'
  | 'unknown'
  | {
      readonly snapshot: PacerSnapshot;
      /**
       * Milliseconds the predecessor may have gone on after the snapshot: its lease; 0 after an orderly hand-over.
       * What it sent last must have arrived by the time of the takeover.
       */
      readonly unseenMs: number;
    };

export interface Pacer {
  /** Requests per window in force; below 1 it is one request per longer window. Takes effect at once. */
  readonly setLimit: (limit: number) => void;
  readonly earliest: (nowMs: number) => Earliest;
  readonly departed: (id: RequestId, nowMs: number) => void;
  /** The answer came, or the attempt ended without one: from now on the request counts as made at this moment. */
  readonly answered: (id: RequestId, nowMs: number, accepted: boolean) => Books;
  /** The request was not sent after all. */
  readonly withheld: (id: RequestId) => void;
  /** Permits in use: requests under way and those the service may still count. */
  readonly occupied: (nowMs: number) => number;
  /**
   * Requests the service has certainly accepted within the one window before `nowMs`. Unanswered ones count
   * once they are `presumedMs` old: a refusal comes at once, an acceptance may take its time.
   */
  readonly countedAtLeast: (nowMs: number, presumedMs: number) => number;
  readonly inFlight: () => number;
  readonly snapshot: (nowMs: number) => PacerSnapshot;
}

interface Flight {
  readonly departedMs: number;
  readonly departure: number;
  readonly ownAtMost: number;
  readonly tokensLeft: number;
}

/**
 * Requests are spaced evenly, at nine tenths of the even distance: so few are under way when the limit falls, and time lost to
 * a late timer is made up for. How many leave is decided by the permits alone.
 */
const SPACING = 0.9;
/** Lateness that may be made up for at once, and never more than one request's. */
const CATCH_UP_MS = 10;

/**
 * Paces requests so that the service never counts more than its limit, however the network delays them.
 *
 * A request holds one of `cap` permits until one window after its *answer*. It reached the service before its answer came and
 * the next holder of the permit reaches it after it left, so any `cap + 1` requests reach it over at least one window, in
 * whatever order: neither a sliding nor a fixed window of any phase ever holds more than `cap`. The price is the round trip:
 * `cap / (window + round trip)`.
 *
 * A token bucket (`burst`) is paced by the lowest level the service's own bucket can have: a request is subtracted while it is
 * under way and at the moment of its answer, the latest it can have been counted.
 *
 * Taking over after a crash: the predecessor may have sent, after the last snapshot, as many requests as its spacing allowed in
 * its lease, and they may have arrived just now. A second's window starts full for that reason, a minute's mostly does not.
 */
export function createPacer(spec: RateSpec, nowMs: number, start: PacerStart): Pacer {
  const ceiling = spec.burst === undefined ? spec.cap : Math.max(spec.burst, spec.cap);
  const permits = createPermits();
  const bucket = spec.burst === undefined ? undefined : createTokenBucket(spec.burst, spec.cap / spec.windowMs, nowMs);
  const flights = new Map<RequestId, Flight>();
  let limit = spec.cap;
  let departures = 0;
  let virtualMs = Number.NEGATIVE_INFINITY;
  let orphans = 0;
  let orphansUntilMs = nowMs;

  const windowMs = () => (limit < 1 ? spec.windowMs / limit : spec.windowMs);
  const allowed = () => Math.max(1, Math.floor((ceiling * limit) / spec.cap));
  const spacingMs = () => (bucket === undefined ? (SPACING * windowMs()) / allowed() : 0);
  const orphaned = (atMs: number) => (atMs < orphansUntilMs ? orphans : 0);
  const occupied = (atMs: number) => flights.size + permits.count(atMs, windowMs());

  const mayHaveLeft = (duringMs: number) => {
    if (duringMs <= 0) return 0;
    return bucket === undefined
      ? Math.min(ceiling, Math.ceil((duringMs + CATCH_UP_MS) / spacingMs()) + 1)
      : Math.min(ceiling, Math.ceil(bucket.capacity() + duringMs * bucket.refillPerMs()));
  };

  if (start !== 'fresh') {
    const { snapshot, unseenMs } =
      start === 'unknown' ? { snapshot: { occupied: [], unanswered: ceiling }, unseenMs: 0 } : start;
    orphans = Math.min(ceiling, snapshot.unanswered + mayHaveLeft(unseenMs));
    orphansUntilMs = nowMs + spec.windowMs;
    permits.restore(snapshot.occupied, orphans, nowMs, spec.windowMs);
    bucket?.restore((snapshot.tokens ?? 0) - orphans);
  }

  const earliest = (atMs: number): Earliest => {
    const slots = spec.concurrency ?? Infinity;
    if (flights.size >= slots) return 'after-answer';
    const slotMs = flights.size + orphaned(atMs) >= slots ? orphansUntilMs : atMs;
    const excess = occupied(atMs) - allowed();
    const freeMs = excess < 0 ? atMs : permits.freeAt(excess, windowMs());
    const tokenMs = bucket === undefined ? atMs : bucket.earliest(flights.size, atMs);
    if (freeMs === undefined || tokenMs === undefined) return 'after-answer';
    return Math.max(atMs, slotMs, freeMs, tokenMs, virtualMs + spacingMs() - Math.min(CATCH_UP_MS, spacingMs()));
  };

  return {
    setLimit: (next) => {
      limit = Math.min(next, spec.cap);
      bucket?.scale(limit / spec.cap);
    },
    earliest,
    departed: (id, atMs) => {
      virtualMs = Math.max(atMs, virtualMs + spacingMs());
      departures += 1;
      flights.set(id, {
        departedMs: atMs,
        departure: departures,
        ownAtMost: occupied(atMs) + 1,
        tokensLeft: bucket === undefined ? Infinity : bucket.level(atMs) - flights.size - 1,
      });
    },
    answered: (id, atMs, accepted) => {
      const flight = flights.get(id);
      if (flight === undefined) return { ownAtMost: 0, bucketDry: false };
      flights.delete(id);
      permits.hold({ answeredMs: atMs, departedMs: flight.departedMs, accepted });
      bucket?.take(atMs);
      const since = departures - flight.departure;
      return { ownAtMost: flight.ownAtMost + since, bucketDry: flight.tokensLeft - since < 1 };
    },
    withheld: (id) => {
      flights.delete(id);
    },
    occupied,
    countedAtLeast: (atMs, presumedMs) => {
      const presumed = [...flights.values()].filter(
        ({ departedMs }) => departedMs > atMs - spec.windowMs && departedMs <= atMs - presumedMs,
      );
      return permits.acceptedSince(atMs - spec.windowMs) + presumed.length;
    },
    inFlight: () => flights.size,
    snapshot: (atMs) => ({
      occupied: permits.snapshot(atMs, windowMs()),
      unanswered: flights.size + orphaned(atMs),
      ...(bucket === undefined ? {} : { tokens: Math.max(0, bucket.level(atMs)) }),
    }),
  };
}
