import type { Route } from '../http/routes.ts';
import type { Job, JobState } from '../state/entities.ts';
import type { WebhookEvent } from '../webhooks/events.ts';
import type { WebhookSigner } from '../webhooks/sign.ts';

/** A completed job's text where it is small enough to be sent along. */
export interface InlineText {
  readonly text?: string;
  readonly pageTexts?: readonly string[];
}

/** What the API of one company looks like: its paths, words and forms, over the one engine. */
export interface Shape {
  readonly routes: readonly Route[];
  /** Their word for each state. */
  readonly words: Readonly<Record<JobState, string>>;
  readonly jobPath: (id: string) => string;
  /** The request that once created a job, as the request log shows it. */
  readonly acceptedRequest: (job: Job) => readonly [method: string, path: string, key: string | null, atMs: number];
  readonly renderJob: (job: Job, inline: InlineText) => Record<string, unknown>;
  readonly renderPage: (jobs: readonly unknown[], nextCursor: string | null) => Record<string, unknown>;
  readonly renderEvent: (event: WebhookEvent, atMs: number, job: Record<string, unknown>) => Record<string, unknown>;
  readonly sign: WebhookSigner;
}

/** The event a state causes. */
export const eventOf: Readonly<Record<JobState, WebhookEvent>> = {
  processing: 'job.processing',
  completed: 'job.completed',
  failed: 'job.failed',
  canceled: 'job.canceled',
};
