import type { GateAnswer } from './answer.ts';
import { createAnnouncement } from './announced.ts';
import type { Books, RateSpec, RequestId } from './pacer.ts';

/**
 * `steady`: at the configured or announced limit. `measuring`: after a refusal, finding out how many pass.
 * `holding`: at the measured limit. `recovering`: trying whether more pass again.
 */
type AdaptivePhase = 'steady' | 'measuring' | 'holding' | 'recovering';

export interface AdaptiveView {
  /** Requests per window in force, and the configured cap. Below 1: one request per longer window. */
  readonly limit: number;
  readonly cap: number;
  readonly phase: AdaptivePhase;
  /** One sentence. */
  readonly reason: string;
  /** Epoch milliseconds since when it is so; absent from the start on. */
  readonly sinceMs?: number;
  /** Nothing leaves before. */
  readonly frozenUntilMs?: number;
  /** When `holding` ends. */
  readonly tryAgainMs?: number;
}

export interface AdaptiveSnapshot {
  readonly limit: number;
  readonly phase: AdaptivePhase;
  readonly reason: string;
  readonly sinceMs?: number;
  readonly frozenUntilMs: number;
  readonly holdUntilMs: number;
  readonly holdMs: number;
  readonly announced?: number;
}

/** What the adaptive limit wants to know of the pacer, and what it sets there. */
export interface AdaptivePacer {
  readonly setLimit: (limit: number) => void;
  readonly occupied: (nowMs: number) => number;
  readonly countedAtLeast: (nowMs: number, presumedMs: number) => number;
}

export interface Adaptive {
  /** When a request may leave as far as freezes and caution go. */
  readonly earliest: (nowMs: number) => number;
  readonly departed: (id: RequestId, nowMs: number) => void;
  readonly answered: (id: RequestId, answer: GateAnswer, books: Books, nowMs: number) => void;
  readonly withheld: (id: RequestId) => void;
  readonly view: (nowMs: number) => AdaptiveView;
  readonly snapshot: (nowMs: number) => AdaptiveSnapshot;
}

/** Pause at a measured limit before more is tried. More than 30 s, and short enough to be back within 60 s of a raise. */
const FIRST_HOLD_MS = 31_000;
const LONGEST_HOLD_MS = 40_000;
const HOLD_GROWTH = 1.2;
/** How long a search goes strictly one at a time: the first window fills, in the second a refusal would show. */
const SERIAL_WINDOWS = 2;
/** An unproven request not refused after this long is presumed accepted, and the next may follow: refusals come at once. */
const PATIENCE_MS = 100;
/** One request in this many windows is the least. */
const LEAST = 1 / 32;
/** What a refusal leaves of a limit that was thought to be good. */
const DECREASE = 0.7;
/** A reset in headers is rounded up to seconds, and the service's clock is read from whole seconds. */
const ROUNDING_MS = 2_000;

/**
 * The limit in force, between next to nothing and the configured cap.
 *
 * A refusal freezes everybody until the service allows more, and for one window where that is longer, so that the service's
 * window starts empty. Then requests go on at the full limit, but those beyond what has proven to pass go one at a time. So the
 * next refusal is a single one, and the number of requests accepted in the window before it *is* the limit (a lower bound of it,
 * certain for a sliding window): no guess, no search. That limit is held for half a minute; then the same caution tries more:
 * one refusal if nothing has changed, the full cap within seconds otherwise.
 *
 * A limit the headers announce is a ceiling, obeyed at once both ways.
 */
export function createAdaptive(
  spec: RateSpec,
  pacer: AdaptivePacer,
  restored?: AdaptiveSnapshot,
  explain: Explain = explainInEnglish(spec),
): Adaptive {
  const { cap, windowMs } = spec;
  const announcement = createAnnouncement(spec, ROUNDING_MS, restored?.announced);
  let phase = restored?.phase ?? 'steady';
  let limit = restored?.limit ?? cap;
  let reason = restored?.reason ?? explain.cap;
  let sinceMs = restored?.sinceMs;
  let frozenUntilMs = restored?.frozenUntilMs ?? Number.NEGATIVE_INFINITY;
  let holdUntilMs = restored?.holdUntilMs ?? Number.NEGATIVE_INFINITY;
  let holdMs = restored?.holdMs ?? FIRST_HOLD_MS;
  /** Requests per window that have proven to pass; what goes beyond goes one at a time. */
  let proven = phase === 'steady' ? limit : 0;
  /** Until then everything goes one at a time, and nothing counts as proven. */
  let serialUntilMs = Number.NEGATIVE_INFINITY;
  let unproven: { readonly id: RequestId; readonly atMs: number } | undefined;
  let flights = new Map<RequestId, number>();

  const ceiling = () => Math.min(cap, announcement.limit() ?? cap);

  const enter = (next: AdaptivePhase, newLimit: number, why: string, nowMs: number) => {
    phase = next;
    limit = newLimit;
    reason = why;
    sinceMs = nowMs;
    pacer.setLimit(limit);
  };
  pacer.setLimit(limit);

  const steady = (why: string, nowMs: number) => {
    enter('steady', ceiling(), why, nowMs);
    proven = limit;
    holdMs = FIRST_HOLD_MS;
  };

  const tick = (nowMs: number) => {
    if (phase !== 'holding' || nowMs < holdUntilMs) return;
    enter('recovering', ceiling(), explain.recovering(limit), nowMs);
    search(nowMs);
  };

  /** From `fromMs` on requests go one at a time, until the service's window would have been full. */
  const search = (fromMs: number) => {
    proven = 0;
    serialUntilMs = fromMs + SERIAL_WINDOWS * windowMs;
  };

  const freeze = (untilMs: number) => {
    frozenUntilMs = Math.max(frozenUntilMs, untilMs);
  };

  const hold = (next: number, nowMs: number) => {
    const lowered = Math.max(LEAST, next < 1 ? next : Math.floor(next));
    enter('holding', lowered, explain.holding(lowered), nowMs);
    holdUntilMs = nowMs + Math.max(holdMs, windowMs);
    holdMs = Math.min(LONGEST_HOLD_MS, holdMs * HOLD_GROWTH);
  };

  /** A refusal nobody announced. */
  const slowDown = (nowMs: number) => {
    const measured = pacer.countedAtLeast(nowMs, PATIENCE_MS);
    const searching = phase === 'measuring' || phase === 'recovering';
    if (phase === 'steady') {
      enter('measuring', limit, explain.measuring, nowMs);
    } else if (measured === 0) {
      hold(Math.min(limit, 2) / 2, nowMs);
    } else {
      hold(searching && measured < limit ? measured : Math.min(measured, limit * DECREASE), nowMs);
    }
    // Only an empty window can be measured. While searching it is known, and the permits wait for it.
    if (!searching) freeze(nowMs + windowMs);
  };

  const refused = (answer: GateAnswer, wasAnnounced: boolean, nowMs: number) => {
    freeze(nowMs + (answer.retryAfterMs ?? answer.limits.resetMs ?? windowMs));
    // What had left before the last refusal was read says nothing new.
    flights = new Map();
    unproven = undefined;
    if (wasAnnounced) return;
    slowDown(nowMs);
    search(frozenUntilMs);
  };

  /** Follows the announced limit; true when this answer lowered it. */
  const follow = (answer: GateAnswer, nowMs: number): boolean => {
    const before = announcement.limit();
    const inForce = limit;
    announcement.read(answer.limits);
    const announced = announcement.limit() ?? cap;
    const raised = announced > (before ?? cap);
    // A limit that was measured goes before one that is announced, until another is.
    if (announced !== before && (raised || announced < limit) && ceiling() !== limit) {
      steady(explain.announced(ceiling()), nowMs);
    }
    return limit < inForce;
  };

  /** How long "nothing remains" asks to wait. It is news only when our own books say otherwise. */
  const spentElsewhereMs = ({ limits: { remaining, resetMs, limit: announced = limit } }: GateAnswer, books: Books) => {
    if (remaining !== 0 || resetMs === undefined) return 0;
    const ourDoing = books.bucketDry || books.ownAtMost >= announced;
    return ourDoing && resetMs <= windowMs + ROUNDING_MS ? 0 : resetMs;
  };

  return {
    earliest: (nowMs) => {
      tick(nowMs);
      const carefulMs = unproven !== undefined && pacer.occupied(nowMs) >= proven ? unproven.atMs + PATIENCE_MS : nowMs;
      return Math.max(nowMs, frozenUntilMs, carefulMs);
    },
    departed: (id, nowMs) => {
      const occupied = pacer.occupied(nowMs);
      flights.set(id, occupied);
      if (occupied > proven) unproven = { id, atMs: nowMs };
    },
    answered: (id, answer, books, nowMs) => {
      const occupied = flights.get(id);
      flights.delete(id);
      if (unproven?.id === id) unproven = undefined;
      const lowered = follow(answer, nowMs);
      if (answer.kind === 'throttled') {
        if (occupied !== undefined) refused(answer, lowered, nowMs);
        else freeze(nowMs + (answer.retryAfterMs ?? 0));
        return;
      }
      freeze(nowMs + Math.max(answer.retryAfterMs ?? 0, spentElsewhereMs(answer, books)));
      if (answer.kind === 'down' || occupied === undefined) return;
      if (nowMs >= serialUntilMs) proven = Math.max(proven, occupied);
      const searching = phase === 'measuring' || phase === 'recovering';
      if (searching && proven >= Math.floor(limit)) steady(explain.recovered(limit), nowMs);
    },
    withheld: (id) => {
      flights.delete(id);
      if (unproven?.id === id) unproven = undefined;
    },
    view: (nowMs) => {
      tick(nowMs);
      return {
        limit,
        cap,
        phase,
        reason,
        ...(sinceMs === undefined ? {} : { sinceMs }),
        ...(frozenUntilMs > nowMs ? { frozenUntilMs } : {}),
        ...(phase === 'holding' ? { tryAgainMs: holdUntilMs } : {}),
      };
    },
    snapshot: (nowMs) => {
      tick(nowMs);
      const announced = announcement.limit();
      return {
        limit,
        phase,
        reason,
        ...(sinceMs === undefined ? {} : { sinceMs }),
        frozenUntilMs: Math.max(0, frozenUntilMs),
        holdUntilMs: Math.max(0, holdUntilMs),
        holdMs,
        ...(announced === undefined ? {} : { announced }),
      };
    },
  };
}

/** The sentences for {@link AdaptiveView.reason}. */
interface Explain {
  readonly cap: string;
  readonly measuring: string;
  readonly holding: (limit: number) => string;
  readonly recovering: (from: number) => string;
  readonly recovered: (limit: number) => string;
  readonly announced: (limit: number) => string;
}

function explainInEnglish({ windowMs }: RateSpec): Explain {
  const per = (limit: number) =>
    limit < 1 ? `1 request per ${seconds(windowMs / limit)}` : `${Math.floor(limit)} per ${seconds(windowMs)}`;
  return {
    cap: 'At the configured cap.',
    measuring: 'The service refused a request: measuring how many it takes, one at a time beyond what passed.',
    holding: (limit) => `The service took no more than ${per(limit)}.`,
    recovering: (from) => `Held at ${per(from)} for a while: trying whether the service takes more again.`,
    recovered: (limit) => `The service takes ${per(limit)} again.`,
    announced: (limit) => `The service announces a limit of ${per(limit)}.`,
  };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
