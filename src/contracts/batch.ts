import type { ErrorCode } from './errors.ts';
import type { Admission, JobObservation, JobOutcome, Submitted, WebhookHint } from './jobs.ts';
import type { Json } from './json.ts';
import type { JobState, Route } from './states.ts';

/** A part publishes its counts and samples no more often than this, in milliseconds. */
export const BATCH_PUBLISHES_EVERY_MS = 2_000;

/** Workflow type `(input: BatchInput) => BatchResult`: some hundred jobs of one caller. */
export const JOB_BATCH_WORKFLOW = 'jobBatch';

/** Signal `(hints: readonly BatchHint[])`: webhooks for jobs of one batch. */
export const WEBHOOKS_SIGNAL = 'webhooks';
/** Signal `(keys: readonly string[])`: these jobs are to be canceled; the others go on. */
export const CANCEL_JOBS_SIGNAL = 'cancelJobs';
/** Query `(from: number) => readonly BatchOutcome[]`: outcomes of this run from the `from`-th of the part on. */
export const OUTCOMES_QUERY = 'outcomes';
/** Query `(key: string) => BatchJobStatus | null`. */
export const BATCH_JOB_QUERY = 'job';

/** The rule for a batch's name, which becomes part of workflow ids: 1 to 64 letters, digits, dots, dashes and underscores. */
export const BATCH_NAME_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

/** One workflow's share of a batch. */
export interface BatchPart {
  readonly service: string;
  readonly name: string;
  /** From 0, in the order of the caller's jobs. */
  readonly part: number;
}

/** What the ids of all parts of a batch begin with. */
export function batchPrefix(service: string, name: string): string {
  return `batch/${service}/${name}/`;
}

export function batchWorkflowId({ service, name, part }: BatchPart): string {
  return `${batchPrefix(service, name)}${part}`;
}

/** The part a workflow id names; `undefined` for an id of anything else. */
export function parseBatchWorkflowId(workflowId: string): BatchPart | undefined {
  const [lead, service = '', name = '', part = '', ...more] = workflowId.split('/');
  const isPart = lead === 'batch' && BATCH_NAME_PATTERN.test(name) && /^\d+$/.test(part) && more.length === 0;
  return isPart ? { service, name, part: Number(part) } : undefined;
}

/** One job as the caller brings it. */
export interface BatchJob {
  readonly key: string;
  /** @default the key */
  readonly unit?: string;
  /** @default 1 */
  readonly generation?: number;
  readonly input: Json;
}

/** Argument of the `jobBatch` workflow. */
export interface BatchInput extends BatchPart {
  /** Those that are not over. */
  readonly jobs: readonly BatchJob[];
  readonly tags?: Readonly<Record<string, string>>;
  /** From the run before, when it continued as new. */
  readonly carried?: BatchCarried;
  /** Continue as new once so many bytes of outcomes are held. @default 512 KiB */
  readonly pageBytes?: number;
}

/** What one run leaves to the next. */
export interface BatchCarried {
  /** Acceptance of all jobs, epoch milliseconds. */
  readonly startedAtMs: number;
  readonly counts: BatchCounts;
  /** Outcomes of the run before, in the order the jobs ended: kept here for whoever reads results, not for the next run. */
  readonly page: readonly BatchOutcome[];
  /** Outcomes of all runs before. */
  readonly ended: number;
  readonly samples?: readonly BatchSample[];
  readonly admissions: readonly Extract<Admission, { admitted: true }>[];
  readonly kept: Readonly<Record<string, KeptJob>>;
}

/** A job on its way to the next run. */
export interface KeptJob {
  /** Index into `admissions`. */
  readonly admission?: number;
  readonly externalId?: string;
  readonly word?: string;
  readonly requests: number;
  readonly polls: number;
  readonly webhooks: number;
  readonly hints?: readonly WebhookHint[];
  readonly seen?: readonly string[];
  /** Of a submit that is not done. */
  readonly submit?: ChunkProgress;
  /** When it is to be asked for next, epoch milliseconds. */
  readonly dueMs?: number;
}

/** How many jobs of a part are in which state. */
export interface BatchCounts extends Readonly<Record<JobState, number>> {
  readonly costMicros: number;
  /** FAILED and CANCELED ones by code. */
  readonly errors: Readonly<Record<string, number>>;
}

/** How one job of a batch ended; what all of them share is left out. */
export type BatchOutcome = Omit<JobOutcome, 'service' | 'workflowId'> & { readonly unit?: string };

/** Result of the `jobBatch` workflow. */
export interface BatchResult {
  /** Of the last run; those of earlier runs are in what they continued as. */
  readonly page: readonly BatchOutcome[];
  readonly ended: number;
  readonly counts: BatchCounts;
}

/** How one job of a batch stands. */
export interface BatchJobStatus {
  readonly key: string;
  readonly generation: number;
  readonly state: JobState;
  readonly externalId: string | null;
  readonly route: Route | null;
  readonly polls: number;
  readonly webhooks: number;
  readonly outcome: BatchOutcome | null;
}

/** For a rollout, in the order the jobs ended: milliseconds from acceptance, how it ended, cost. */
export type BatchSample = readonly [latencyMs: number, end: 'good' | ErrorCode, costMicros: number];

/** Memo of a part, readable without a worker. */
export interface BatchMemo {
  readonly batch: string;
  readonly part: number;
  readonly size: number;
  /** No part comes after it. */
  readonly last: boolean;
  /** What tells a part that is there from another one under its name. */
  readonly digest: string;
  /** Which keys may be in it: see `src/rules/key-filter.ts`. */
  readonly keys: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly counts: BatchCounts;
  /** Present where jobs were admitted in a stage of a rollout. */
  readonly rollout?: BatchRolloutMemo;
}

/** What a rollout reads of a part: its jobs of one stage and route. */
export interface BatchRolloutMemo {
  readonly stage: string;
  readonly route: Route;
  /** Acceptance of all of them, epoch milliseconds. */
  readonly startedMs: number;
  /** Those that run included. */
  readonly jobs: number;
  readonly samples: readonly BatchSample[];
}

/** A webhook for one job of a batch. */
export interface BatchHint {
  readonly key: string;
  readonly hint: WebhookHint;
}

/** What is known of one submit that has not come to its end. */
export interface ChunkProgress {
  readonly requests: number;
  readonly failures: number;
  readonly lastMessage: string;
  readonly mayHaveArrived: boolean;
  readonly underWayAtMs: number;
}

/** One job to submit. */
export interface ChunkJob {
  readonly key: string;
  readonly generation: number;
  readonly unit: string;
  readonly input: Json;
  /** Of an earlier chunk. */
  readonly submit?: ChunkProgress;
}

/** What the requests of a chunk of one batch have in common. */
interface ChunkOf {
  readonly batch: BatchPart;
  readonly route: Route;
  readonly deadlineAtMs: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface SubmitChunkRequest extends ChunkOf {
  /** Control-state revision of the admission. */
  readonly revision: number;
  readonly jobs: readonly ChunkJob[];
}

/** What came of one job of a chunk; `at` is its index. */
export type SubmitEnd = { readonly at: number } & (
  | { readonly submitted: Submitted }
  | {
      readonly failed: { readonly code: ErrorCode; readonly message: string; readonly mayHaveArrived: boolean };
      readonly requests: number;
    }
  /** Nothing was sent: the control state moved on and would decide otherwise. */
  | { readonly readmit: true }
  /** To be submitted later. */
  | { readonly left: ChunkProgress }
);

export interface SubmittedChunk {
  /** One for each job. */
  readonly ends: readonly SubmitEnd[];
  /** Milliseconds after which those left may be tried again. */
  readonly retryInMs: number;
}

/** A job the service has. */
export interface LookJob {
  readonly key: string;
  readonly generation: number;
  readonly unit: string;
  readonly externalId: string;
}

export interface LookChunkRequest extends ChunkOf {
  /** Webhooks say that these are over: asked one by one, and again soon. */
  readonly hinted: boolean;
  /** Rounds before this one, for the pause that grows. */
  readonly round: number;
  /** When the first of them was submitted, epoch milliseconds: the service's list is read from there on. */
  readonly sinceMs: number;
  readonly jobs: readonly LookJob[];
}

/** What is known of jobs after a look, by index; jobs that go on are not named. */
export interface LookedChunk {
  readonly ends: readonly ({ readonly at: number } & (
    | { readonly observation: JobObservation }
    | { readonly failed: { readonly code: ErrorCode; readonly message: string } }
  ))[];
  /** Status requests sent for each job; list pages count for the first of them. */
  readonly polls: readonly number[];
  readonly rounds: number;
  /** Milliseconds after which those that go on may be asked for again. */
  readonly nextInMs: number;
}

export interface CancelChunkRequest extends ChunkOf {
  readonly jobs: readonly (Omit<LookJob, 'externalId'> & { readonly externalId: string | null })[];
}

export interface CanceledChunk {
  readonly ends: readonly (
    { readonly externalId: string | null; readonly observation: JobObservation | null } | { readonly failed: string }
  )[];
}

/** On a lane's bulk queue. */
export interface BatchActivities {
  /**
   * Submits some jobs, each through the gate, and heartbeats which are done. A job fails alone.
   * @throws ApplicationFailure (benign, with nextRetryDelay) while nothing could be sent.
   */
  readonly submitChunk: (request: SubmitChunkRequest) => Promise<SubmittedChunk>;
  /**
   * Asks for some jobs, by the service's list where that is cheaper.
   * @throws ApplicationFailure `JobPending` (benign, with nextRetryDelay) while none of them is over.
   */
  readonly lookChunk: (request: LookChunkRequest) => Promise<LookedChunk>;
  /** Asks the service to cancel what it may have of some jobs. */
  readonly cancelChunk: (request: CancelChunkRequest) => Promise<CanceledChunk>;
}

/** Admission of many jobs at once, as a local activity. */
export interface BatchAdmissionActivities {
  readonly admitMany: (request: {
    readonly service: string;
    readonly units: readonly string[];
  }) => Promise<AdmittedMany>;
}

export interface AdmittedMany {
  readonly admissions: readonly Admission[];
  /** For each unit, an index into `admissions`. */
  readonly of: readonly number[];
}
