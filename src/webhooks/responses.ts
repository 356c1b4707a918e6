import type { ErrorCode } from '../contracts/errors.ts';
import type { PlainResponse } from './plain-http.ts';

/** Seconds after which a refused sender may come again. */
const RETRY_AFTER_S = '10';

/** An answer that the work is done. */
export function ok(status: string): PlainResponse {
  return { status: 200, headers: {}, body: JSON.stringify({ status }), close: false };
}

/** A refusal. Its message is the same for every cause of the same code: it explains nothing to an attacker. */
function refusal(
  status: number,
  code: ErrorCode,
  message: string,
  options: { headers?: Readonly<Record<string, string>>; close?: boolean } = {},
): PlainResponse {
  const body = JSON.stringify({ error: { code, message } });
  return { status, headers: options.headers ?? {}, body, close: options.close ?? false };
}

const LATER = { 'retry-after': RETRY_AFTER_S };

/** Every refusal the receiver knows. One whose body was not read ends the connection. */
export const REFUSALS = {
  notFound: refusal(404, 'UNKNOWN_SERVICE', 'Not found.', { close: true }),
  methodNotAllowed: refusal(405, 'WEBHOOK_REFUSED', 'Use POST.', { headers: { allow: 'POST' }, close: true }),
  badRequest: refusal(400, 'WEBHOOK_REFUSED', 'Bad request.', { close: true }),
  tooSlow: refusal(408, 'WEBHOOK_REFUSED', 'The request took too long.', { close: true }),
  tooLarge: refusal(413, 'WEBHOOK_REFUSED', 'The body is too large.', { close: true }),
  unsupportedEncoding: refusal(415, 'WEBHOOK_REFUSED', 'The content encoding is not supported.', {
    headers: { 'accept-encoding': 'gzip, deflate, br' },
    close: true,
  }),
  expectationFailed: refusal(417, 'WEBHOOK_REFUSED', 'The expectation cannot be met.', { close: true }),
  tooMany: refusal(429, 'WEBHOOK_REFUSED', 'Too many requests.', { headers: LATER, close: true }),
  headersTooLarge: refusal(431, 'WEBHOOK_REFUSED', 'The headers are too large.', { close: true }),
  badSignature: refusal(401, 'WEBHOOK_SIGNATURE_INVALID', 'The signature is not valid.'),
  malformed: refusal(400, 'WEBHOOK_MALFORMED', 'The signed body cannot be read.'),
  unavailable: refusal(503, 'RECEIVER_UNAVAILABLE', 'Try again later.', { headers: LATER }),
  shed: refusal(503, 'RECEIVER_UNAVAILABLE', 'Try again later.', { headers: LATER, close: true }),
} as const satisfies Record<string, PlainResponse>;
