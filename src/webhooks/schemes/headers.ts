import type { RawHeaders, RejectReason } from './verifier.ts';

/** Most signatures one request may offer. Each costs a comparison; no rotation needs more. */
const MAX_SIGNATURES = 16;
/** Longest value of a header we read, in characters. */
const MAX_VALUE = 4096;

export type HeaderValue =
  { readonly ok: true; readonly value: string } | { readonly ok: false; readonly reason: RejectReason };

/**
 * One header's value. A repeated one is refused: Node joins repetitions with `, `, and which of two a proxy, a
 * sender and a receiver each mean is what attacks are made of.
 * @param name lower case
 */
export function readHeader(rawHeaders: RawHeaders, name: string): HeaderValue {
  let value: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i];
    if (candidate?.length !== name.length || candidate.toLowerCase() !== name) continue;
    if (value !== undefined) return { ok: false, reason: 'header_duplicate' };
    value = rawHeaders[i + 1];
  }
  if (value === undefined || value === '') return { ok: false, reason: 'header_missing' };
  if (value.length > MAX_VALUE) return { ok: false, reason: 'header_malformed' };
  return { ok: true, value };
}

/** Splits a list of signatures, within the cap. */
export function splitSignatures(value: string, separator: string): readonly string[] | 'too_many_signatures' {
  const entries = value.split(separator, MAX_SIGNATURES + 1);
  return entries.length > MAX_SIGNATURES ? 'too_many_signatures' : entries;
}

/** Event ids we take: printable ASCII without spaces, at most 256 characters. */
export function isEventId(id: string): boolean {
  return /^[!-~]{1,256}$/.test(id);
}
