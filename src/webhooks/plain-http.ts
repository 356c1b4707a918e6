import type { RawHeaders } from './schemes/verifier.ts';

/** How a body may be compressed; `identity` is not at all. */
export type BodyEncoding = 'identity' | 'gzip' | 'deflate' | 'br';

export type BodyProblem = 'too_large' | 'too_slow' | 'bad_encoding' | 'shed' | 'aborted';

export type BodyRead =
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly problem: BodyProblem };

/** A request as the receiver sees it, whatever server took it. */
export interface PlainRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly target: string;
  readonly rawHeaders: RawHeaders;
  /** Who is held responsible: an address, or what a trusted proxy says. */
  readonly source: string;
  /** Reads the body, inflated, up to `maxBytes`. Called at most once, and only when the body is wanted. */
  readonly readBody: (options: { readonly maxBytes: number; readonly encoding: BodyEncoding }) => Promise<BodyRead>;
}

export interface PlainResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
  /** End the connection after the answer. */
  readonly close: boolean;
}
