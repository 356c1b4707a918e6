import type { ErrorCode } from '../contracts/errors.ts';
import type { Failure } from './failure.ts';

/** A request that ended without a complete answer, as `src/http` reports it. */
export interface BrokenExchange {
  readonly problem:
    | 'connect'
    | 'connect-timeout'
    | 'tls'
    | 'reset'
    | 'read-timeout'
    | 'total-timeout'
    | 'too-large'
    | 'protocol'
    | 'aborted';
  readonly arrival: 'never' | 'maybe';
  readonly message: string;
}

const CODES: Readonly<Record<BrokenExchange['problem'], readonly [code: ErrorCode, retryable: boolean]>> = {
  connect: ['SERVICE_UNAVAILABLE', true],
  'connect-timeout': ['SERVICE_UNAVAILABLE', true],
  tls: ['SERVICE_UNAVAILABLE', true],
  reset: ['SERVICE_UNAVAILABLE', true],
  'read-timeout': ['SERVICE_TIMEOUT', true],
  'total-timeout': ['SERVICE_TIMEOUT', true],
  'too-large': ['RESPONSE_TOO_LARGE', false],
  protocol: ['CONTRACT_VIOLATION', false],
  aborted: ['CANCELED', false],
};

/**
 * Judges a request without a complete answer. A service that cannot be reached does not use up attempts; one that answers
 * wrongly does, and so does one whose certificate is not valid: that lasts until somebody acts.
 */
export function classifyTransport({ problem, arrival, message }: BrokenExchange): Failure {
  const [code, retryable] = CODES[problem];
  const throttled = arrival === 'never' && retryable && problem !== 'tls';
  return { code, retryable, arrival, throttled, message };
}
