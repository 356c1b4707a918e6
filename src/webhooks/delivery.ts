import type { WebhookHint } from '../contracts/jobs.ts';
import type { TokenJob } from '../definition/callback-token.ts';

/** Whom an event is for: one of our jobs, or whichever has the service's own id. */
export type Address =
  { readonly kind: 'job'; readonly job: TokenJob } | { readonly kind: 'external'; readonly externalId: string };

/** A verified, readable event on its way to Temporal. */
export interface Delivery {
  readonly service: string;
  readonly address: Address;
  readonly hint: WebhookHint;
}

/**
 * `accepted`: Temporal has it. `duplicate`: it had it before. `late`: the job has ended. `unknown_job`: there is no such job any more.
 * `temporal_away`: nobody has it, the sender must come again.
 */
export type HandOverResult = 'accepted' | 'duplicate' | 'late' | 'unknown_job' | 'temporal_away';

/** Runs a hand-over within what follows it: a trace, the context of log lines. */
export type AroundHandOver = (
  about: {
    readonly service: string;
    /** W3C, as the sender gave it. */
    readonly traceparent: string | undefined;
    /** Of the job, where the event names it, and the workflow it is in. */
    readonly job: TokenJob | undefined;
    readonly workflowId: string | undefined;
  },
  handOver: () => Promise<HandOverResult>,
) => Promise<HandOverResult>;

/** Resolves only when Temporal has the event, or cannot be had. Never rejects. */
export type HandOver = (delivery: Delivery) => Promise<HandOverResult>;
