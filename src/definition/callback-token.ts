import { createHmac, timingSafeEqual } from 'node:crypto';
import { PlaybookError } from '../contracts/errors.ts';
import { BATCH_NAME_PATTERN, type BatchPart } from '../contracts/batch.ts';
import { KEY_PATTERN, SERVICE_PATTERN } from '../contracts/ids.ts';
import type { JobRef } from '../contracts/ids.ts';

/** Lead every payload, so that later forms are told apart and old URLs go on working. */
const VERSION = '1';
const BATCH_VERSION = '2';
const MAC_BYTES = 16;
const MIN_SECRET_BYTES = 16;
/** The longest key in a batch gives about 470 characters. */
const MAX_TOKEN_LENGTH = 512;

/** What a token names: a job, and the batch it belongs to, if to any. */
export interface TokenJob extends JobRef {
  readonly batch?: BatchPart;
}

/**
 * A signed token that names one job, for the callback URL: `<base64url(1/service/generation/key)>.<base64url(MAC)>`, the MAC being
 * HMAC-SHA256 truncated to 16 bytes; for a job of a batch `2/service/generation/name/part/key`. It routes and cannot be forged or moved to another job; it is no proof of who sends.
 * @throws PlaybookError CONFIG_INVALID for a secret of fewer than 16 bytes.
 */
export function issueCallbackToken(secret: string, job: TokenJob): string {
  const { service, generation, key, batch } = job;
  const text =
    batch === undefined
      ? `${VERSION}/${service}/${generation}/${key}`
      : `${BATCH_VERSION}/${service}/${generation}/${batch.name}/${batch.part}/${key}`;
  const payload = Buffer.from(text).toString('base64url');
  return `${payload}.${mac(secret, payload).toString('base64url')}`;
}

/**
 * The job a token names; `undefined` when none of the secrets signed it or its version is unknown.
 * @param secrets several while rotating
 * @throws PlaybookError CONFIG_INVALID for a secret of fewer than 16 bytes.
 */
export function readCallbackToken(secrets: readonly string[], token: string): TokenJob | undefined {
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

function parsePayload(payload: string): TokenJob | undefined {
  const [version, service, generation, ...rest] = payload.split('/');
  if (service === undefined || generation === undefined || !SERVICE_PATTERN.test(service)) return undefined;
  const job = (key: readonly string[]): JobRef | undefined => {
    const named = { service, key: key.join('/'), generation: Number(generation) };
    return KEY_PATTERN.test(named.key) && /^[1-9]\d{0,8}$/.test(generation) ? named : undefined;
  };
  if (version === VERSION) return job(rest);
  const [name = '', part = '', ...key] = rest;
  const named = job(key);
  if (version !== BATCH_VERSION || named === undefined) return undefined;
  if (!BATCH_NAME_PATTERN.test(name) || !/^(?:0|[1-9]\d{0,8})$/.test(part)) return undefined;
  return { ...named, batch: { service, name, part: Number(part) } };
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
