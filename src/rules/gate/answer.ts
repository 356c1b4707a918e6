import type { Failure } from '../failure.ts';
import type { LimitReading } from '../limit-headers.ts';

/** What the end of one transmission tells the gate. */
export interface GateAnswer {
  /**
   * `accepted`: counted and answered, successfully or not. `throttled`: refused for our pace.
   * `down`: the service failed or did not answer, which says nothing about pace.
   */
  readonly kind: 'accepted' | 'throttled' | 'down';
  /** Milliseconds a refusing or failing answer asked everybody to wait. */
  readonly retryAfterMs?: number;
  /** What its headers said of the limits. */
  readonly limits: LimitReading;
}

/** What the gate reads of the observation of a transmission. */
export interface GateObservation {
  /** Absent when the answer was accepted. */
  readonly failure?: Failure;
  readonly limits: LimitReading;
}

/**
 * Reads the gate's view of an answer. Only `SERVICE_UNAVAILABLE`, `SERVICE_TIMEOUT` and a 503 with Retry-After mean "down":
 * the latter is a request to wait, but for the service's sake, and tells nothing of how many requests it takes.
 * Retry-After counts on refusals and outages only: on a 202 it says when to poll that job.
 */
export function gateAnswer({ failure, limits }: GateObservation): GateAnswer {
  const retryAfterMs = failure?.retryAfterMs ?? limits.retryAfterMs;
  const away = failure?.status === 503 && retryAfterMs !== undefined;
  const kind = failure === undefined ? 'accepted' : away ? 'down' : (KINDS[failure.code] ?? 'accepted');
  return { kind, limits, ...(kind === 'accepted' || retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

const KINDS: { readonly [Code in Failure['code']]?: GateAnswer['kind'] } = {
  THROTTLED: 'throttled',
  SERVICE_UNAVAILABLE: 'down',
  SERVICE_TIMEOUT: 'down',
};
