import { createHmac, timingSafeEqual } from 'node:crypto';
import { PlaybookError } from '../contracts/errors.ts';
import { KEY_PATTERN, SERVICE_PATTERN } from '../contracts/ids.ts';
import type { JobRef } from '../contracts/ids.ts';

/** Leads every payload, so that a later form (a batch id, say) is told apart and old URLs go on working. */
const VERSION = '1';
const MAC_BYTES = 16;
const MIN_SECRET_BYTES = 16;
/** The longest key gives about 350 characters. */
const MAX_TOKEN_LENGTH = 512;

/**
 * A signed token that names one job, for the callback URL: `<base64url(1/service/generation/key)>.<base64url(MAC)>`, the MAC being
 * HMAC-SHA256 truncated to 16 bytes. It routes and cannot be forged or moved to another job; it is no proof of who sends.
 * @throws PlaybookError CONFIG_INVALID for a secret of fewer than 16 bytes.
 */
export function issueCallbackToken(secret: string, job: JobRef): string {
  const payload = Buffer.from(`${VERSION}/${job.service}/${job.generation}/${job.key}`).toString('base64url');
  return `${payload}.${mac(secret, payload).toString('base64url')}`;
}

/**
 * The job a token names; `undefined` when none of the secrets signed it or its version is unknown.
 * @param secrets several while rotating
 * @throws PlaybookError CONFIG_INVALID for a secret of fewer than 16 bytes.
 */
export function readCallbackToken(secrets: readonly string[], token: string): JobRef | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  const [payload, signature, rest] = token.split('.', 3);
  if (payload === undefined || signature === undefined || rest !== undefined) return undefined;
  const given = Buffer.from(signature, 'base64url');
  // Node decodes leniently; only the one way of writing a MAC counts.
  if (given.length !== MAC_BYTES || given.toString('base64url') !== signature) return undefined;
  const signed = secrets.map((secret) => timingSafeEqual(mac(secret, payload), given)).includes(true);
  return signed ? parsePayload(Buffer.from(payload, 'base64url').toString()) : undefined;
}

/** Where a service sends its webhooks: `<public URL>/webhooks/<service>[/<token>]`. */
export function callbackUrl(publicUrl: string, service: string, token?: string): string {
  const base = `${publicUrl.replace(/\/+$/, '')}/webhooks/${service}`;
  return token === undefined ? base : `${base}/${token}`;
}

function parsePayload(payload: string): JobRef | undefined {
  const [version, service, generation, ...key] = payload.split('/');
  if (version !== VERSION || service === undefined || generation === undefined) return undefined;
  const job = { service, key: key.join('/'), generation: Number(generation) };
  const valid = SERVICE_PATTERN.test(service) && KEY_PATTERN.test(job.key) && /^[1-9]\d{0,8}$/.test(generation);
  return valid ? job : undefined;
}

function mac(secret: string, payload: string): Buffer {
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `The secret webhook.token_secret refers to is shorter than ${MIN_SECRET_BYTES} bytes. Use 32 random bytes, such as from \`openssl rand -base64 32\`.`,
    );
  }
  // The label keeps this MAC from being one of anything else signed with the same secret.
  return createHmac('sha256', secret)
    .update('playbook-callback-token.')
    .update(payload)
    .digest()
    .subarray(0, MAC_BYTES);
}
