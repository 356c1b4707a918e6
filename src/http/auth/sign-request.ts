import { createHash, createHmac } from 'node:crypto';
import type { RequestSigner } from '../../rules/request-signer.ts';

/** Stands for the digest of a body that is streamed and so cannot be signed. */
const UNSIGNED_BODY = 'UNSIGNED-PAYLOAD';

/**
 * The signer used where the integration brings none: HMAC-SHA256, in hex, over four lines: method, path with query, epoch seconds, and
 * the SHA-256 of the body in hex. Sent as `x-key-id`, `x-timestamp` and `x-signature` (or the configured header).
 */
export const signHmacSha256: RequestSigner = (request, { keyId, secret, timestampS, header = 'x-signature' }) => {
  const digest = request.body === undefined ? UNSIGNED_BODY : createHash('sha256').update(request.body).digest('hex');
  const content = [request.method, request.url.pathname + request.url.search, timestampS, digest].join('\n');
  return {
    'x-key-id': keyId,
    'x-timestamp': String(timestampS),
    [header]: createHmac('sha256', secret).update(content).digest('hex'),
  };
};
