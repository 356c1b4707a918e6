import type { Readable } from 'node:stream';
import type { Json } from '../contracts/json.ts';
import type { Failure } from '../rules/failure.ts';
import type { LimitReading } from '../rules/limit-headers.ts';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a request is for: by it the gate paces and the cost is counted. */
export type RequestKind = 'upload' | 'submit' | 'poll' | 'fetch' | 'list' | 'lookup' | 'cancel' | 'token' | 'notify';

/** A request as an integration describes it: below the base URL, without authentication. */
export interface RequestSpec {
  readonly method: HttpMethod;
  /** Below `service.base_url`, beginning with `/`; ids in it already percent-encoded. */
  readonly path: string;
  /** A list becomes one parameter per value. */
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON body. */
  readonly json?: Json;
}

/** One request to the service. */
export interface OutboundRequest extends RequestSpec {
  readonly kind: RequestKind;
  /** Bytes in place of `json`; `open` is called once per transmission. */
  readonly body?: { readonly open: () => Readable | Uint8Array; readonly bytes: number; readonly contentType: string };
  /** Largest answer accepted, in bytes. @default 1 MiB */
  readonly maxResponseBytes?: number;
  /** True where repeating it cannot do harm (GET, or a POST with an idempotency key): lets one 401 be repeated. */
  readonly repeatable: boolean;
  /** Travels in the header the client was told to use; the same on every attempt. */
  readonly idempotencyKey?: string;
  /** Who it is for: the gate is fair between units and attributes cost. */
  readonly owner?: CostOwner;
  /** Whose turn at the gate it takes. @default that of the owner's unit */
  readonly turn?: string;
  /** An earlier transmission of the same submit may have arrived and been charged: this one buys nothing new. */
  readonly repeats?: boolean;
}

/** Who a request and its cost are for. */
export interface CostOwner {
  readonly unit?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A 2xx answer. */
export interface ServiceResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  /** The parsed body when the service says it is JSON. */
  readonly json?: Json;
  /** Round trip in milliseconds. */
  readonly elapsedMs: number;
}

/** One connection to one service in one environment: pool, deadlines, authentication, limit headers, recording. */
export interface ServiceClient {
  /**
   * Sends one request (and, after a 401, at most once more with a new token).
   * @throws RequestFailed for anything but an accepted 2xx answer.
   */
  readonly send: (request: OutboundRequest, signal: AbortSignal) => Promise<ServiceResponse>;
  readonly close: () => Promise<void>;
}

/** Thrown when a request did not end in an accepted answer. `failure` says what that means. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  readonly failure: Failure;

  constructor(failure: Failure, options?: { cause?: unknown }) {
    super(failure.message, options);
    this.failure = failure;
  }
}

/** What became of one transmission: for the gate, the metrics, the trace and the log. */
export interface Observation {
  readonly kind: RequestKind;
  /** Absent when no answer came. */
  readonly status?: number;
  readonly elapsedMs: number;
  /** Empty when no answer came or its headers said nothing. */
  readonly limits: LimitReading;
  /** What is known by now of the service's clock; positive: it is ahead. */
  readonly skew?: { readonly offsetMs: number; readonly uncertaintyMs: number };
  /** Absent when the answer was accepted. */
  readonly failure?: Failure;
}

/** Follows one transmission, from before it waits for leave. */
export type TraceRequest = (about: {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly kind: RequestKind;
}) => RequestTrace;

export interface RequestTrace {
  /** To send along, before signing. */
  readonly headers: Readonly<Record<string, string>>;
  /** It may leave now. */
  readonly leaves: () => void;
  /** It is over; without an observation it was withheld. Called exactly once. */
  readonly end: (observation: Observation | undefined) => void;
}

/** Puts authentication on requests. */
export interface Authenticator {
  /** Headers to add; `credential` identifies what was used, so that exactly it can be invalidated. */
  readonly authorize: (
    request: AuthorizableRequest,
    signal: AbortSignal,
  ) => Promise<{ readonly headers: Readonly<Record<string, string>>; readonly credential: string }>;
  /** Called after a 401: true when another attempt would use another credential. */
  readonly invalidate: (credential: string) => boolean;
  /** Called when the service took a credential, whatever it answered otherwise. */
  readonly confirm?: (credential: string) => void;
}

/** What request signing may look at. */
export interface AuthorizableRequest {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON body's exact bytes; absent for streamed uploads. */
  readonly body?: Uint8Array;
}
