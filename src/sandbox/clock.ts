/** The service's own clock: what its headers, signatures and records say the time is. */
export interface ServiceClock {
  /** Epoch milliseconds, shifted by the offset. */
  readonly now: () => number;
  /** How far the service's clock is from the machine's. Changed by a fault switch. */
  offsetMs: number;
}

/** Creates a clock that starts in step with the machine's. */
export function createServiceClock(): ServiceClock {
  const clock: ServiceClock = { offsetMs: 0, now: () => Date.now() + clock.offsetMs };
  return clock;
}
