import type { ErrorCode } from '../contracts/errors.ts';

/** Whether the service has seen a failed request: what decides if it may be repeated. */
export type Arrival = 'never' | 'maybe' | 'refused' | 'accepted';

/** What a 409 meant. */
export type Conflict = 'duplicate' | 'busy' | 'invalid';

/** The judgement on one failed request. Holds nothing secret. */
export interface Failure {
  readonly code: ErrorCode;
  /** Whether the very same request may succeed later. */
  readonly retryable: boolean;
  readonly arrival: Arrival;
  /** The service asked us to slow down or could not be reached: does not use up `retry.max_attempts`. */
  readonly throttled: boolean;
  /** Milliseconds the service asked us to wait. */
  readonly retryAfterMs?: number;
  readonly conflict?: Conflict;
  readonly status?: number;
  /** The service's own error code, where it gave one in a short token. */
  readonly serviceCode?: string;
  /** One sentence: what happened, with the value that matters, never a payload, header or full URL. */
  readonly message: string;
}

/** One line of an integration's own error table; the first that fits wins, before the default table. */
export interface ErrorRule {
  readonly status?: number | readonly number[];
  /** The service's own error code, compared exactly. */
  readonly serviceCode?: string | readonly string[];
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly arrival?: Arrival;
  readonly throttled?: boolean;
  readonly conflict?: Conflict;
}
