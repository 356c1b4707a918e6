import type { ErrorCode } from './errors.ts';
import type { JobRef } from './ids.ts';
import type { Json } from './json.ts';
import type { JobState, ObservedState, Route, TerminalState } from './states.ts';

/**
 * A reference to bytes outside the history, with the hash that pins them.
 * `uri` is `file:` (absolute, readable by the worker) or `https:`.
 */
export interface FileRef {
  readonly uri: string;
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string;
  readonly bytes: number;
  readonly contentType: string;
}

/** Argument of the `externalJob` workflow. */
export interface JobRequest extends JobRef {
  /** Who the job is for: what a rollout buckets by. */
  readonly unit: string;
  /** The integration's input, already validated by the client; validated again before it is sent. */
  readonly input: Json;
  /** Lower-case hex SHA-256 of the canonical input: what tells a repeated start from a reused key. */
  readonly fingerprint: string;
  /** Cost attribution, copied to metrics and to `playbook cost`. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** The snapshot of the configuration one job runs under: taken once, at admission. */
export interface JobPolicy {
  /** Milliseconds from acceptance to DEADLINE_EXCEEDED. */
  readonly deadlineMs: number;
  readonly submit: {
    /** Longest a single attempt may take, uploads included, in milliseconds. */
    readonly attemptTimeoutMs: number;
    /** Detects a worker that died with the request under way, in milliseconds. */
    readonly heartbeatTimeoutMs: number;
  };
  readonly poll: {
    /** Milliseconds to give the webhook before the first poll; 0 polls at once. */
    readonly graceMs: number;
    readonly attemptTimeoutMs: number;
    /** Milliseconds a look may take within a workflow task; absent in histories from before there was such a look. */
    readonly glanceMs?: number;
  };
  /** Milliseconds the cancellation of a job at the service may take before it is given up. */
  readonly cancelTimeoutMs: number;
  /** Declared prices, in integer micro-dollars. */
  readonly prices: { readonly perJobMicros: number; readonly perRequestMicros: number };
}

/** What admission decided, kept in history. */
export type Admission =
  | {
      readonly admitted: true;
      readonly route: Route;
      readonly revision: number;
      readonly stage?: string;
      /** The job shows its stage at once; absent in histories from before it did. */
      readonly showsStage?: true;
      readonly reason: string;
      readonly policy: JobPolicy;
    }
  | { readonly admitted: false; readonly revision: number; readonly code: ErrorCode; readonly reason: string };

/** What a submit came back with. */
export interface Submitted {
  readonly externalId: string;
  /** Requests sent in all: uploads and lookups, failed and throttled ones included. */
  readonly requests: number;
  /** What the service said of the job as it took it. */
  readonly observation: JobObservation;
}

/** One part of a result the service declares partial. */
export interface PartOutcome {
  readonly id: string;
  readonly state: 'COMPLETED' | 'FAILED';
  readonly code?: string;
  readonly message?: string;
}

/** What the service says of a job, validated and mapped to our words. */
export interface JobObservation {
  readonly state: ObservedState;
  /** The service's own word. */
  readonly word: string;
  readonly result?: Json;
  readonly parts?: readonly PartOutcome[];
  readonly error?: { readonly code: string; readonly message: string };
  /** What the service charged for the job so far, in micro-dollars, where it says so. */
  readonly costMicros?: number;
}

/** A terminal (or advisory) webhook on its way to the job. */
export interface WebhookHint {
  /** The sender's event id: what repeated deliveries share. */
  readonly eventId: string;
  /** What the event claims. */
  readonly state: ObservedState;
  readonly externalId?: string;
  /** From the callback token or reference; a hint for another generation is ignored. */
  readonly generation?: number;
  /** Present only where the integration declares its signed payload sufficient. */
  readonly observation?: JobObservation;
  /** When the receiver took it, epoch milliseconds. */
  readonly receivedAtMs: number;
  /** Seen in the service's list rather than sent by it: no webhook. */
  readonly swept?: true;
}

/** How a job ended. */
export interface JobOutcome<Result = Json> extends JobRef {
  readonly workflowId: string;
  readonly externalId: string | null;
  readonly state: TerminalState;
  readonly route: Route | null;
  readonly result: Result | null;
  readonly parts?: readonly PartOutcome[];
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  /** Status requests sent. */
  readonly polls: number;
  /** Webhooks that reached the job, duplicates included. */
  readonly webhooks: number;
  /** From acceptance to the end, in milliseconds. */
  readonly latencyMs: number;
  readonly costMicros: number;
}

/** Answer of the `status` query. */
export interface JobStatus extends JobRef {
  readonly workflowId: string;
  readonly state: JobState;
  readonly externalId: string | null;
  readonly route: Route | null;
  readonly polls: number;
  readonly webhooks: number;
  /** One sentence: what the job is doing or waiting for. */
  readonly activity: string;
}

/** Answer of the `accepted` update: the service has the job. */
export interface JobAccepted {
  readonly workflowId: string;
  readonly externalId: string;
  readonly state: JobState;
}
