import type { MediaType } from '../extraction/document.ts';
import type { Format } from '../extraction/render-result.ts';

/** The engine's own words; a shape gives each the word of its API. */
export type JobState = 'processing' | 'completed' | 'failed' | 'canceled';

/** An uploaded file, by its hash. */
export interface StoredFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly media: MediaType;
  readonly createdAtMs: number;
}

/** What a completed job produced. The bytes lie in the blob store under `sha256`. */
interface JobResult {
  readonly artifactId: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly contentType: string;
  /** And what the work found out, such as `pages`. */
  readonly [fact: string]: unknown;
}

export interface Job {
  readonly id: string;
  /** Whose job it is: clients do not see each other's. */
  readonly clientId: string;
  /** The idempotency key (or the id the client chose) it was accepted under. */
  readonly key: string | null;
  readonly state: JobState;
  /** SHA-256 of the file it works on; null where jobs need none. */
  readonly input: string | null;
  readonly format: Format;
  readonly callbackUrl: string | null;
  readonly reference: string | null;
  /** The submit's body, for the templates of a configured shape. */
  readonly fields: unknown;
  /** Of the submit: what tells a repetition from another job under the same id. */
  readonly fingerprint: string;
  /** W3C trace context of the request that made it: its webhooks carry it, as a service does that is traced itself. */
  readonly traceparent?: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Counts up with every change of any job: the order of lists. */
  readonly revision: number;
  /** When it is no longer queued, on the machine's clock. */
  readonly runsFromMs: number;
  /** When the work is done, on the machine's clock. */
  readonly dueAtMs: number;
  readonly costMicros: number;
  readonly result: JobResult | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The answer once given under an idempotency key. */
interface StoredAnswer {
  readonly fingerprint: string;
  readonly body: string;
  readonly location: string;
  readonly expiresAtMs: number;
}

/** A webhook on its way. */
export interface Delivery {
  /** The `webhook-id`, the same for every attempt. */
  readonly id: string;
  readonly event: string;
  readonly url: string;
  readonly body: string;
  readonly traceparent?: string;
  readonly attempts: number;
  readonly nextAtMs: number;
}

/** Everything that survives a restart, by kind and id. */
export interface Entities {
  readonly file: StoredFile;
  readonly job: Job;
  readonly answer: StoredAnswer;
  readonly delivery: Delivery;
  /** A callback URL that answered 410 and gets nothing more. */
  readonly gone: { readonly atMs: number };
}

export type EntityKind = keyof Entities;

/** One change: the entity as it is from now on, or null when it is gone. */
export type Change = { [K in EntityKind]: readonly [kind: K, id: string, value: Entities[K] | null] }[EntityKind];
