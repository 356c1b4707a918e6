import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { PlaybookError } from '../../contracts/errors.ts';

export interface AssertionClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** Seconds an assertion is valid: enough for clocks that differ, too short to be of use to a thief. */
const LIFETIME_S = 120;

function algorithm(key: KeyObject): { readonly name: string; readonly hash: string | null } {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { name: 'RS256', hash: 'sha256' };
    case 'ec':
      switch (key.asymmetricKeyDetails?.namedCurve) {
        case 'prime256v1':
          return { name: 'ES256', hash: 'sha256' };
        case 'secp384r1':
          return { name: 'ES384', hash: 'sha384' };
        case 'secp521r1':
          return { name: 'ES512', hash: 'sha512' };
        default:
          throw unusable('its curve is none of P-256, P-384, P-521');
      }
    case 'ed25519':
      return { name: 'EdDSA', hash: null };
    default:
      throw unusable('it is neither RSA, EC nor Ed25519');
  }
}

function unusable(reason: string): PlaybookError {
  return new PlaybookError('CONFIG_INVALID', `The private key auth refers to cannot be used: ${reason}.`);
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // Not kept as the cause: OpenSSL's errors are about the key's bytes.
    throw unusable('it is not an unencrypted private key in PEM form');
  }
}

/** A signed JWT by which a client proves itself or asks for a token (RFC 7523). @throws PlaybookError CONFIG_INVALID for an unusable key. */
export function signAssertion(pem: string, keyId: string | undefined, claims: AssertionClaims, nowMs: number): string {
  const key = readKey(pem);
  const { name, hash } = algorithm(key);
  const issuedAt = Math.floor(nowMs / 1000);
  const header = { alg: name, typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) };
  const payload = {
    iss: claims.issuer,
    sub: claims.subject,
    aud: claims.audience,
    jti: randomUUID(),
    iat: issuedAt,
    exp: issuedAt + LIFETIME_S,
  };
  const content = `${base64url(header)}.${base64url(payload)}`;
  const signature = sign(hash, Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
