import { PlaybookError } from '../contracts/errors.ts';
import type { Arrival } from '../rules/failure.ts';

/** What went wrong below HTTP. `aborted` is our own doing: the activity was cancelled. */
export type TransportProblem =
  | 'connect'
  | 'connect-timeout'
  | 'tls'
  | 'reset'
  | 'read-timeout'
  | 'total-timeout'
  | 'too-large'
  | 'protocol'
  | 'aborted';

/**
 * Thrown when no complete answer came. `arrival` is `never` when not one byte of the request was handed to a socket,
 * and `maybe` from then on: a reset on a stale kept-alive connection looks exactly like one after the service did the work.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly problem: TransportProblem;
  readonly arrival: Extract<Arrival, 'never' | 'maybe'>;

  constructor(
    problem: TransportProblem,
    arrival: Extract<Arrival, 'never' | 'maybe'>,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.problem = problem;
    this.arrival = arrival;
  }
}

const TLS_CODE = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CRL_|INVALID_CA|HOSTNAME_|ERR_TLS_|ERR_SSL_|EPROTO)/;

/** Translates what undici or a socket reports. `written`: whether the request had been handed to a socket by then. */
export function toTransportError(error: Error, written: boolean): TransportError | PlaybookError {
  if (error instanceof TransportError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const options = { cause: error };
  if (!written) {
    // Says which header or body is unfit, never its value.
    if (code === 'UND_ERR_INVALID_ARG') {
      return new PlaybookError('INTERNAL', `An integration built an unsendable request: ${error.message}.`, options);
    }
    if (TLS_CODE.test(code)) {
      return new TransportError('tls', 'never', `The TLS connection to the service failed (${code}).`, options);
    }
    return new TransportError('connect', 'never', `No connection to the service (${code}).`, options);
  }
  if (error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') {
    // The cause is not kept: it carries the bytes that could not be parsed.
    return new TransportError('protocol', 'maybe', `The service's answer is not HTTP/1.1 that we accept (${code}).`);
  }
  return new TransportError(
    'reset',
    'maybe',
    `The connection broke before the answer was complete (${code}).`,
    options,
  );
}
