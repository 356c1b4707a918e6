import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isEventId, readHeader, splitSignatures } from './headers.ts';
import { hmac, hmacMatches } from './hmac.ts';
import { parseEd25519Key, parseStandardKey } from './keys.ts';
import type { SignInput } from './sign-input.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';
import type { Matches, ReadParts, Verifier } from './verifier.ts';
import { createSchemeVerifier } from './verifier.ts';

/** Standard Webhooks: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md. Svix names the same headers `svix-…`. */
export type HeaderFamily = 'webhook' | 'svix';

const FORM = { algorithm: 'sha256', encoding: 'base64' } as const;

/** `v1`: HMAC-SHA256. Entries of other versions are not looked at, so `v1a` cannot be passed off as `v1`. */
export function standardWebhooksVerifier(family: HeaderFamily, secrets: readonly string[]): Verifier {
  return createSchemeVerifier(readParts(family, 'v1,'), hmacMatches(FORM, secrets.map(parseStandardKey)));
}

export function signStandardWebhooks(family: HeaderFamily, secret: string, input: SignInput): Record<string, string> {
  return headersFor(family, input, (prefix) => `v1,${hmac(FORM, parseStandardKey(secret), prefix, input.body)}`);
}

/** `v1a`: ed25519. The receiver's secret is the sender's public key, `whpk_…`. */
export function standardWebhooksEd25519Verifier(secrets: readonly string[]): Verifier {
  return createSchemeVerifier(readParts('webhook', 'v1a,'), ed25519Matches(secrets.map(publicKey)));
}

/** @param secret the private key, `whsk_…` */
export function signStandardWebhooksEd25519(secret: string, input: SignInput): Record<string, string> {
  const key = privateKey(parseEd25519Key(secret, 'whsk_'));
  return headersFor('webhook', input, (prefix) => {
    const signature = sign(null, Buffer.concat([Buffer.from(prefix), input.body]), key);
    return `v1a,${signature.toString('base64')}`;
  });
}

function readParts(family: HeaderFamily, version: 'v1,' | 'v1a,'): ReadParts {
  const [idName, timestampName, signatureName] = headerNames(family);
  return (rawHeaders) => {
    const id = readHeader(rawHeaders, idName);
    if (!id.ok) return id.reason;
    const timestamp = readHeader(rawHeaders, timestampName);
    if (!timestamp.ok) return timestamp.reason;
    const signature = readHeader(rawHeaders, signatureName);
    if (!signature.ok) return signature.reason;

    // A dot would make `a.b` + `c` and `a` + `b.c` one and the same signed content.
    if (!isEventId(id.value) || id.value.includes('.')) return 'header_malformed';
    const timestampMs = parseTimestamp(timestamp.value);
    if (timestampMs === undefined) return 'timestamp_malformed';
    const entries = splitSignatures(signature.value, ' ');
    if (typeof entries === 'string') return entries;
    const candidates = entries.filter((entry) => entry.startsWith(version)).map((entry) => entry.slice(version.length));
    return { candidates, prefix: `${id.value}.${timestamp.value}.`, eventId: id.value, timestampMs };
  };
}

function headersFor(family: HeaderFamily, input: SignInput, signature: (prefix: string) => string) {
  const [idName, timestampName, signatureName] = headerNames(family);
  const timestamp = formatTimestamp(input.timestampMs);
  return {
    [idName]: input.id,
    [timestampName]: timestamp,
    [signatureName]: signature(`${input.id}.${timestamp}.`),
  };
}

function headerNames(family: HeaderFamily): readonly [string, string, string] {
  return [`${family}-id`, `${family}-timestamp`, `${family}-signature`];
}

function ed25519Matches(keys: readonly KeyObject[]): Matches {
  return ({ candidates, prefix }, body) => {
    const content = Buffer.concat([Buffer.from(prefix), body]);
    return candidates.some((candidate) => {
      const signature = Buffer.from(candidate, 'base64');
      if (signature.length !== 64 || signature.toString('base64') !== candidate) return false;
      return keys.some((key) => verify(null, content, key, signature));
    });
  };
}

function publicKey(secret: string): KeyObject {
  const x = parseEd25519Key(secret, 'whpk_').toString('base64url');
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
}

/** PKCS#8 of an ed25519 seed is a fixed header (RFC 8410) and the seed. */
function privateKey(seed: Uint8Array): KeyObject {
  const header = Buffer.from('302e020100300506032b657004220420', 'hex');
  return createPrivateKey({ format: 'der', type: 'pkcs8', key: Buffer.concat([header, seed]) });
}
