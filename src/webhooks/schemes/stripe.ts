import { readHeader, splitSignatures } from './headers.ts';
import { hmac, hmacMatches } from './hmac.ts';
import { parseKey } from './keys.ts';
import type { SignInput } from './sign-input.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';
import type { ReadParts, Verifier } from './verifier.ts';
import { createSchemeVerifier } from './verifier.ts';

const HEADER = 'stripe-signature';
const FORM = { algorithm: 'sha256', encoding: 'hex' } as const;

/** `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=…][,v0=…]`; the key is the whole secret as text, `whsec_` included. */
export function stripeVerifier(secrets: readonly string[]): Verifier {
  const keys = secrets.map((secret) => parseKey(secret, 'utf8'));
  return createSchemeVerifier(readParts, hmacMatches(FORM, keys));
}

export function signStripe(secret: string, input: SignInput): Record<string, string> {
  const timestamp = formatTimestamp(input.timestampMs);
  const signature = hmac(FORM, parseKey(secret, 'utf8'), `${timestamp}.`, input.body);
  return { [HEADER]: `t=${timestamp},v1=${signature}` };
}

const readParts: ReadParts = (rawHeaders) => {
  const header = readHeader(rawHeaders, HEADER);
  if (!header.ok) return header.reason;
  const entries = splitSignatures(header.value, ',');
  if (typeof entries === 'string') return entries;

  let timestamp: string | undefined;
  const candidates: string[] = [];
  for (const entry of entries) {
    if (entry.startsWith('v1=')) candidates.push(entry.slice(3));
    else if (entry.startsWith('t=')) {
      if (timestamp !== undefined) return 'header_malformed';
      timestamp = entry.slice(2);
    }
  }
  if (timestamp === undefined) return 'header_malformed';
  const timestampMs = parseTimestamp(timestamp);
  return timestampMs === undefined ? 'timestamp_malformed' : { candidates, prefix: `${timestamp}.`, timestampMs };
};
