import type { Readable } from 'node:stream';
import type { HttpMethod } from './types.ts';

/** One request on the wire. */
export interface TransportRequest {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | { readonly stream: Readable; readonly bytes: number };
  /** Largest 2xx answer accepted, in bytes. */
  readonly maxResponseBytes?: number;
  /**
   * Called on a connected socket, synchronously before the request is written to it, and for a streamed body again before
   * every chunk: nothing can come between its return and the write. If it throws, nothing (more) leaves and `send` rejects
   * with that same error; before the first write the connection stays usable.
   */
  readonly beforeWrite?: () => void;
}

/** An answer of any status. */
export interface TransportResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body of a 2xx answer; of any other at most the first 64 KiB, or what came before it broke off. */
  readonly bytes: Uint8Array;
  /** Wall times, for learning the service's clock: when the request was written, when the answer's head arrived. */
  readonly writtenMs: number;
  readonly headMs: number;
}
