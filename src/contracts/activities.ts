import type { BatchPart } from './batch.ts';
import type { Admission, JobObservation, JobRequest, Submitted } from './jobs.ts';
import type { JobRef } from './ids.ts';
import type { Json } from './json.ts';
import type { Route } from './states.ts';

/** Local activities: decisions from configuration and control state, no request to the service. */
export interface AdmissionActivities {
  /** Decides the route and takes the policy snapshot. */
  readonly admit: (job: JobRequest) => Promise<Admission>;
  /**
   * Whether a job's submit can be dropped without asking the service: no attempt is running and none may have arrived.
   * Looks at the pending activity `submitActivityId` of the calling workflow.
   */
  readonly canDropSubmit: (submitActivityId: string) => Promise<boolean>;
}

export interface SubmitRequest extends JobRef {
  /** Where it belongs to a batch: webhooks go to that workflow. */
  readonly batch?: BatchPart;
  readonly unit: string;
  readonly input: Json;
  readonly route: Route;
  /** Control-state revision of the admission; submit sends nothing if a newer one decides otherwise. */
  readonly revision: number;
  /** Epoch milliseconds. */
  readonly deadlineAtMs: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** On the service's submit queue. */
export interface SubmitActivities {
  /**
   * Uploads what the job needs and submits it: one POST, the same idempotency key on every attempt.
   * @throws ApplicationFailure typed by a code of the registry.
   */
  readonly submitJob: (request: SubmitRequest) => Promise<Submitted>;
}

export interface ReadRequest extends JobRef {
  readonly unit: string;
  readonly externalId: string;
  readonly route: Route;
  readonly deadlineAtMs: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface PollRequest extends ReadRequest {
  /** An activity of this job that polled before: its requests are added to `polls`. */
  readonly earlierPollActivityId?: string;
}

/** What to cancel: by the service's id, or by our reference while that id is unknown. */
export interface CancelRequest extends Omit<ReadRequest, 'externalId'> {
  readonly externalId: string | null;
}

/** What the service says of the job now; both `null` when it has none. */
export type Canceled =
  | { readonly externalId: string; readonly observation: JobObservation }
  | { readonly externalId: null; readonly observation: null };

export interface Polled {
  readonly observation: JobObservation;
  /** Status requests sent, those of the earlier poll activity included. */
  readonly polls: number;
}

/** What a glance came to. */
export interface Glanced {
  /** `null` when there was no glance, or it saw no answer. */
  readonly observation: JobObservation | null;
  /** Status requests sent. */
  readonly polls: number;
}

/** A local activity: within the workflow task that a webhook caused. */
export interface GlanceActivities {
  /**
   * Asks for the job's status once, if this very process holds the lane's gate and that lets a read pass at once. Whatever it does
   * not find out is left to `fetchResult`. Never fails.
   */
  readonly glance: (request: ReadRequest) => Promise<Glanced>;
}

/** On the service's read queue. */
export interface ReadActivities {
  /**
   * Asks for the job's status until it is terminal; between attempts nothing is held.
   * @throws ApplicationFailure `JobPending` (benign, with nextRetryDelay) while the job goes on.
   */
  readonly pollJob: (request: PollRequest) => Promise<Polled>;
  /** The same GET, asked because a webhook says the job is over: a few looks close together, then whatever was seen last. */
  readonly fetchResult: (request: PollRequest) => Promise<Polled>;
  /** Asks the service to cancel what it may have of the job; resolves with what it then says. */
  readonly cancelJob: (request: CancelRequest) => Promise<Canceled>;
}

/** `type` of the benign failure by which a poll says "not yet". */
export const JOB_PENDING = 'JobPending';
/** `type` of the failure by which submit says that the control state moved on: admit again, nothing was sent. */
export const READMIT = 'Readmit';
/** `type` of the cause of a submit's failure after which a request may have reached the service. */
export const MAY_HAVE_ARRIVED = 'MAY_HAVE_ARRIVED';
