/** Raw headers as they came over the wire: name, value, name, value … Duplicates stay visible. */
export type RawHeaders = readonly string[];

/** What a signature is checked over. */
export interface SignedRequest {
  readonly rawHeaders: RawHeaders;
  /** The body's bytes, exactly as signed: never decoded, parsed or re-serialised. */
  readonly body: Uint8Array;
  /** Our clock, epoch milliseconds. */
  readonly nowMs: number;
  /** How far the signed time may be from our clock, in either direction, in milliseconds. */
  readonly toleranceMs: number;
}

/** Why a request was not believed: a closed list, fit for a metric's label. */
export type RejectReason =
  | 'header_missing'
  | 'header_duplicate'
  | 'header_malformed'
  | 'too_many_signatures'
  | 'timestamp_malformed'
  | 'signature_mismatch'
  | 'timestamp_old'
  | 'timestamp_future';

export type Verification =
  | {
      readonly ok: true;
      /** The sender's event id, where the scheme has one. */
      readonly eventId: string | undefined;
      /** The signed time, epoch milliseconds, where the scheme has one. */
      readonly timestampMs: number | undefined;
    }
  | { readonly ok: false; readonly reason: RejectReason };

/** Judges one request. Keys were parsed when it was made; it never throws. */
export type Verifier = (request: SignedRequest) => Verification;

/** What a scheme reads from the headers before any cryptography. */
export interface SignedParts {
  /** Signatures offered, as text. One match is enough. */
  readonly candidates: readonly string[];
  /** What is signed before the body. */
  readonly prefix: string;
  readonly eventId?: string | undefined;
  readonly timestampMs?: number | undefined;
}

/** Reads the parts of a scheme, or says why it cannot. */
export type ReadParts = (rawHeaders: RawHeaders) => SignedParts | RejectReason;

/** True when one of the candidates signs `prefix` followed by `body`. */
export type Matches = (parts: SignedParts, body: Uint8Array) => boolean;

/** Signature first, then the time window, both ways: the order in which a rejection is worth knowing. */
export function createSchemeVerifier(readParts: ReadParts, matches: Matches): Verifier {
  return ({ rawHeaders, body, nowMs, toleranceMs }) => {
    const parts = readParts(rawHeaders);
    if (typeof parts === 'string') return { ok: false, reason: parts };
    if (!matches(parts, body)) return { ok: false, reason: 'signature_mismatch' };
    const { eventId, timestampMs } = parts;
    if (timestampMs !== undefined) {
      if (timestampMs < nowMs - toleranceMs) return { ok: false, reason: 'timestamp_old' };
      if (timestampMs > nowMs + toleranceMs) return { ok: false, reason: 'timestamp_future' };
    }
    return { ok: true, eventId, timestampMs };
  };
}
