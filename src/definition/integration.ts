import type { z } from 'zod';
import type { FileRef, PartOutcome } from '../contracts/jobs.ts';
import type { Json } from '../contracts/json.ts';
import type { ObservedState } from '../contracts/states.ts';
import type { WebhookScheme } from '../contracts/webhook-scheme.ts';
import type { ErrorRule } from '../rules/failure.ts';
import type { RequestSigner } from '../rules/request-signer.ts';

export type { ErrorRule };

/** A request below the base URL; see `RequestSpec` of `src/http`. */
export interface EndpointRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: Json;
}

/** One endpoint: how it is asked, what its answer must look like, and what we read from it. */
export interface Endpoint<Context, Body, Out> {
  readonly request: (context: Context) => EndpointRequest;
  readonly response: z.ZodType<Body>;
  readonly read: (body: Body, context: Context) => Out;
}

/** What the submit mapper may use. */
export interface SubmitContext<Input> {
  readonly input: Input;
  /** Our reference, for the service to echo; also what a lookup searches by. */
  readonly reference: string;
  /** The same on every attempt of this generation. Goes into the header by itself where the policy says so. */
  readonly idempotencyKey: string;
  /** Where this job's webhooks go; absent when no receiver is configured. */
  readonly callbackUrl?: string;
}

/** What the service's answer says of a job, in its own words. */
export interface RemoteJob {
  readonly externalId: string;
  /** The service's status word; mapped by `states`. */
  readonly word: string;
  /** Validated against `result` when the word maps to COMPLETED. */
  readonly result?: unknown;
  readonly parts?: readonly PartOutcome[];
  readonly error?: { readonly code: string; readonly message: string };
  /** What the service charged so far, in integer micro-dollars. */
  readonly costMicros?: number;
  /** Our reference, where the service echoes it: how a list is matched with our jobs. */
  readonly reference?: string;
}

/** How a repeated submit is kept from becoming a second job. */
export type IdempotencyPolicy =
  /** A header carries the key; `quoted` per the IETF draft (a structured-field string). `lifetimeMs`: how long the service remembers it. */
  | { readonly kind: 'header'; readonly name: string; readonly quoted?: boolean; readonly lifetimeMs: number }
  /** The submit mapper puts the key into the path or the body; the service treats a repetition as the same job. */
  | { readonly kind: 'put-id' | 'body'; readonly lifetimeMs: number }
  /** None. With `lookup` (see the definition) we search before any repetition; without it the job fails as AMBIGUOUS_SUBMIT. */
  | { readonly kind: 'none' };

/** What a webhook's payload tells. `state` undefined: an event that is none of our business. */
export interface WebhookReading {
  readonly state: ObservedState | undefined;
  /** Where the scheme has no id header. */
  readonly eventId?: string;
  readonly externalId?: string;
  readonly reference?: string;
  /** Read only where `trusted`. */
  readonly job?: RemoteJob;
}

/** The whole integration as one value. Everything else is derived from it. */
export interface IntegrationSpec<
  Input,
  Result,
  SubmitBody,
  StatusBody,
  FetchBody,
  LookupBody,
  CancelBody,
  ListBody,
  Event,
> {
  /** Short name: 3 to 40 of `a-z 0-9 -`. */
  readonly service: string;
  readonly title: string;
  /** The pinned version of the service's contract, such as `3.4.2`. */
  readonly contractVersion: string;
  readonly input: z.ZodType<Input>;
  readonly result: z.ZodType<Result>;
  /** Makes the input for one file given on the command line. TypeScript needs `as const` behind a literal in it. */
  readonly fromFile?: (file: FileRef) => Input;
  /** Files to have at the service before the submit; content-addressed, so that repeating is harmless. */
  readonly upload?: {
    readonly files: (input: Input) => readonly FileRef[];
    readonly request: (file: FileRef) => {
      readonly method: 'PUT' | 'POST';
      readonly path: string;
      readonly headers?: Readonly<Record<string, string>>;
    };
  };
  readonly submit: Endpoint<SubmitContext<Input>, SubmitBody, RemoteJob> & {
    readonly idempotency: IdempotencyPolicy;
    /** False when the service's answer shows that it has other input under our key. */
    readonly sameInput?: (body: SubmitBody, input: Input) => boolean;
  };
  readonly status: Endpoint<{ readonly externalId: string }, StatusBody, RemoteJob>;
  /** A second GET for the result, where the status does not carry it. */
  readonly fetch?: Endpoint<{ readonly externalId: string; readonly job: RemoteJob }, FetchBody, unknown>;
  /** Finds a job by our reference; `undefined` when the service has none. */
  readonly lookup?: Endpoint<{ readonly reference: string }, LookupBody, RemoteJob | undefined> & {
    /** Milliseconds after which a job that arrived is certainly found. */
    readonly settleMs: number;
  };
  readonly cancel?: Endpoint<{ readonly externalId: string }, CancelBody, RemoteJob | undefined>;
  readonly list?: Endpoint<
    { readonly cursor?: string; readonly limit: number; readonly updatedAfter?: string },
    ListBody,
    { readonly jobs: readonly RemoteJob[]; readonly next?: string }
  > & {
    /** A listed job is all that its status endpoint would tell, result included. @default false: each is asked for once it is over */
    readonly isWhole?: boolean;
  };
  /** Their words → ours, all of them. An unknown word is UNKNOWN_STATUS, loudly. */
  readonly states: Readonly<Record<string, ObservedState>>;
  /** Signs requests where `auth.type` is `hmac`. @default HMAC-SHA256 over method, path, time and body digest */
  readonly sign?: RequestSigner;
  readonly errors?: readonly ErrorRule[];
  /** Reads the service's own error code and message out of an error body. */
  readonly readError?: (body: Json) => { readonly code?: string; readonly message?: string } | undefined;
  /** A failure inside a 2xx answer: return its code and message. */
  readonly failureIn2xx?: (body: Json) => { readonly code: string; readonly message: string } | undefined;
  readonly webhook?: {
    readonly scheme: WebhookScheme;
    readonly payload: z.ZodType<Event>;
    readonly read: (event: Event) => WebhookReading;
    /** Take a terminal event's signed payload as the result, without a GET. @default false */
    readonly trusted?: boolean;
    /** How long the sender may go on retrying one event, in milliseconds. */
    readonly retryHorizonMs: number;
  };
  /** Declared price, in integer micro-dollars, where the service's answers do not tell. */
  readonly cost: { readonly perJobMicros: number; readonly perRequestMicros?: number };
}

/* oxlint-disable typescript/no-explicit-any -- mappers take what their own schemas parsed: with `unknown` no integration would fit */
/** An integration with its body types erased: what registry, activities and receiver work with. */
export interface Integration<Input = any, Result = any> extends IntegrationSpec<
  Input,
  Result,
  any,
  any,
  any,
  any,
  any,
  any,
  any
> {}
/* oxlint-enable typescript/no-explicit-any */

/** The input type of an integration. */
export type InputOf<I> = I extends Integration<infer Input, infer _Result> ? Input : never;
/** The result type of an integration. */
export type ResultOf<I> = I extends Integration<infer _Input, infer Result> ? Result : never;
