import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Matches, SignedParts } from './verifier.ts';

export interface HmacForm {
  readonly algorithm: 'sha256' | 'sha512';
  readonly encoding: 'hex' | 'base64';
}

/** The encoded HMAC of `prefix` and then `body`, over bytes: decoding the body to text first would let different bytes share a signature. */
export function hmac({ algorithm, encoding }: HmacForm, key: Uint8Array, prefix: string, body: Uint8Array): string {
  return createHmac(algorithm, key).update(prefix).update(body).digest(encoding);
}

/** Tries every key against every candidate. Texts are compared, so only the canonical encoding passes. */
export function hmacMatches(form: HmacForm, keys: readonly Uint8Array[]): Matches {
  return ({ candidates, prefix }: SignedParts, body) => {
    if (candidates.length === 0) return false;
    let found = false;
    for (const key of keys) {
      const expected = Buffer.from(hmac(form, key, prefix, body), 'latin1');
      for (const candidate of candidates) found = sameText(candidate, expected) || found;
    }
    return found;
  };
}

/** Constant time for texts of equal length; the length of a signature is no secret. */
function sameText(candidate: string, expected: Uint8Array): boolean {
  return candidate.length === expected.length && timingSafeEqual(asciiBytes(candidate), expected);
}

/** One byte a character, whatever the character, so that the lengths stay equal. */
function asciiBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
