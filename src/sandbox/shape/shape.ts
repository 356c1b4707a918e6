import type { ApiError } from '../api-error.ts';
import type { Format } from '../extraction/render-result.ts';
import type { Answer } from '../http/exchange.ts';
import type { Route } from '../http/routes.ts';
import type { Job, JobState, StoredFile } from '../state/entities.ts';
import type { WebhookEvent } from '../webhooks/events.ts';
import type { WebhookSigner } from '../webhooks/sign.ts';

/** A completed job's text where it is small enough to be sent along. */
export interface InlineText {
  readonly text?: string;
  readonly pageTexts?: readonly string[];
}

/** How callers prove who they are. */
export type AuthForm =
  { readonly kind: 'oauth' | 'bearer' | 'basic' | 'none' } | { readonly kind: 'api-key'; readonly header: string };

/** How a repeated submit is recognised: by a header, a field of the body, an id the client chooses, or not at all. */
export type IdempotencyForm =
  { readonly kind: 'header'; readonly header: string } | { readonly kind: 'body' | 'put-id' | 'none' };

/** Refuses a submit while so many jobs of the client are under way. */
export interface BusyForm {
  readonly jobs: number;
  readonly status: number;
  readonly code: string;
  readonly retryAfterS?: number | undefined;
}

/** What a submit's body says, whatever its form. */
export interface Submission {
  /** SHA-256 of an uploaded file; null where jobs need none. */
  readonly input: string | null;
  readonly format: Format;
  readonly callbackUrl: string | null;
  readonly reference: string | null;
  /** The idempotency key, where the body carries it. */
  readonly key: string | null;
  /** The body as it was sent, for the templates of a configured shape. */
  readonly fields: unknown;
  /** Equal for equal content, whatever the order of fields. */
  readonly fingerprint: string;
}

/** How lists are asked for and paged through. */
export interface ListForm {
  /** `cursor` and `link` follow changes; `offset` and `page` count in the order of creation. */
  readonly pagination: 'cursor' | 'offset' | 'page' | 'link';
  readonly parameters: {
    readonly position: string;
    readonly limit: string;
    readonly status?: string | undefined;
    readonly reference?: string | undefined;
    readonly updatedAfter?: string | undefined;
  };
  readonly defaultLimit: number;
  readonly maxLimit: number;
}

/** One page of a list. */
export interface Page {
  readonly jobs: readonly Job[];
  /** The value of the position parameter for the next page; null on the last. */
  readonly next: string | null;
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
}

/** What the API of one company looks like: its paths, words and forms, over the one engine. */
export interface Shape {
  /** Names the API in authentication challenges. */
  readonly realm: string;
  readonly auth: AuthForm;
  readonly routes: readonly Route[];
  readonly mediaTypes: readonly string[];
  readonly idempotency: IdempotencyForm;
  readonly busy: BusyForm | undefined;
  readonly acceptedStatus: number;
  /** Where the submit's body refers to its file, for messages. */
  readonly inputField: string;
  readonly list: ListForm;
  /** Where a job's status word stands, and what holds a list's items: what a drift fault changes. */
  readonly drift: { readonly status: string; readonly items: string };
  /** Their word for a job's state at a moment. */
  readonly wordOf: (job: Job, nowMs: number) => string;
  /** Their words, each with our state: what a list can be filtered by. */
  readonly words: readonly (readonly [word: string, state: JobState])[];
  readonly jobPath: (id: string) => string;
  /** The request that once created a job, as the request log shows it. */
  readonly acceptedRequest: (job: Job) => readonly [method: string, path: string, key: string | null, atMs: number];
  /** @throws ApiError 400 naming the field */
  readonly readSubmit: (body: unknown) => Submission;
  readonly renderFile: (file: StoredFile) => unknown;
  readonly renderJob: (job: Job, inline: InlineText) => unknown;
  /** What a result endpoint of its own answers for a completed job. */
  readonly renderResult: (job: Job, inline: InlineText) => unknown;
  readonly renderPage: (page: Page) => Pick<Answer, 'body' | 'headers'>;
  readonly renderEvent: (event: WebhookEvent, atMs: number, job: Job, inline: InlineText) => unknown;
  readonly renderError: (
    error: Pick<ApiError, 'status' | 'code' | 'message' | 'field'>,
  ) => Pick<Answer, 'status' | 'body'>;
  readonly sign: WebhookSigner;
}

/** The event a state causes. */
export const eventOf: Readonly<Record<JobState, WebhookEvent>> = {
  processing: 'job.processing',
  completed: 'job.completed',
  failed: 'job.failed',
  canceled: 'job.canceled',
};
