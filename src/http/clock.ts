/** Where the outbound side reads time. Tests pass their own. */
export interface Clock {
  /** Wall time in milliseconds since the epoch: comparable with other machines, may jump. */
  readonly nowMs: () => number;
  /** Milliseconds from an arbitrary start that never run backwards: for durations. */
  readonly monotonicMs: () => number;
}

export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
