/** Permits that come free at about the same time: in how many milliseconds, and how many. */
export type OccupiedUntil = readonly [inMs: number, permits: number];

/** A request that was answered and that the service may still count. */
interface Held {
  readonly answeredMs: number;
  readonly departedMs: number;
  readonly accepted: boolean;
}

/** Permits held by answered requests, each until one window after its answer. */
export interface Permits {
  readonly hold: (held: Held) => void;
  /** How many are held at `nowMs`, with this window. Forgets what is over. */
  readonly count: (nowMs: number, windowMs: number) => number;
  /** When `excess + 1` of them will have come free; undefined when there are not so many. */
  readonly freeAt: (excess: number, windowMs: number) => number | undefined;
  /** Of those held, the accepted that left after `sinceMs`. */
  readonly acceptedSince: (sinceMs: number) => number;
  readonly snapshot: (nowMs: number, windowMs: number) => OccupiedUntil[];
  /** Takes over permits as of `nowMs`, and holds `more` for a whole window from there. */
  readonly restore: (occupied: readonly OccupiedUntil[], more: number, nowMs: number, windowMs: number) => void;
}

/** A service may keep times in whole milliseconds: rounding can bring two requests that much closer. */
const GUARD_MS = 1;
/** Steps of a snapshot: it travels in every heartbeat, so its size must not grow with the cap. */
const SNAPSHOT_STEPS = 20;

/** Answers come in the order of time, so permits come free first in, first out: constant cost per request. */
export function createPermits(): Permits {
  let held: Held[] = [];
  let first = 0;

  const freeMs = ({ answeredMs }: Held, windowMs: number) => answeredMs + windowMs + GUARD_MS;

  const forget = (nowMs: number, windowMs: number) => {
    for (let head = held[first]; head !== undefined && freeMs(head, windowMs) <= nowMs; head = held[first]) first += 1;
    if (first > 64 && first * 2 > held.length) {
      held = held.slice(first);
      first = 0;
    }
  };

  return {
    hold: (request) => {
      held.push(request);
    },
    count: (nowMs, windowMs) => {
      forget(nowMs, windowMs);
      return held.length - first;
    },
    freeAt: (excess, windowMs) => {
      const last = held[first + excess];
      return last === undefined ? undefined : freeMs(last, windowMs);
    },
    acceptedSince: (sinceMs) =>
      held.slice(first).filter(({ accepted, departedMs }) => accepted && departedMs > sinceMs).length,
    snapshot: (nowMs, windowMs) => {
      forget(nowMs, windowMs);
      const stepMs = windowMs / SNAPSHOT_STEPS;
      const steps = new Map<number, number>();
      for (const request of held.slice(first)) {
        const inMs = Math.ceil(Math.ceil((freeMs(request, windowMs) - nowMs) / stepMs) * stepMs);
        steps.set(inMs, (steps.get(inMs) ?? 0) + 1);
      }
      return [...steps];
    },
    restore: (occupied, more, nowMs, windowMs) => {
      const all: OccupiedUntil[] = [...occupied, [windowMs + GUARD_MS, more]];
      held = all
        .flatMap(([inMs, permits]) => Array.from({ length: permits }, () => nowMs + inMs - windowMs - GUARD_MS))
        .toSorted((a, b) => a - b)
        .map((answeredMs) => ({ answeredMs, departedMs: Number.NEGATIVE_INFINITY, accepted: false }));
      first = 0;
    },
  };
}
