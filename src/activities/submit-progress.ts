import type { IdempotencyPolicy } from '../definition/index.ts';
import type { ActivityContext } from './activity-context.ts';

/** What an attempt leaves to the next in its heartbeat details. */
export interface SubmitProgress {
  /** Requests sent so far. */
  requests: number;
  /** Failures that count towards `retry.max_attempts`: throttling and a service out of reach do not. */
  failures: number;
  /** What the last failure that counted said. */
  lastMessage: string;
  /** A submit may have reached the service without our having read its answer. */
  mayHaveArrived: boolean;
  /** When such a submit was last known to be under way, epoch milliseconds. */
  underWayAtMs: number;
  /** SHA-256 of the files the service has by now. */
  uploaded: string[];
  /** The last attempt that lived to say how it ended. */
  reportedAttempt: number;
}

/** How old heartbeat details may be when their worker dies: they are sent again well within this time, in milliseconds. */
const DETAILS_AGE_MS = 5_000;

/**
 * Where this attempt takes over. An attempt that died unseen may have sent: for a service that recognises a repetition that is
 * assumed. For one that does not, it was written down before sending (see `announce`), so the details tell.
 */
export function resumeProgress(context: ActivityContext, idempotency: IdempotencyPolicy): SubmitProgress {
  const earlier = context.heartbeatDetails as Partial<SubmitProgress> | undefined;
  const progress: SubmitProgress = {
    requests: 0,
    failures: 0,
    lastMessage: '',
    mayHaveArrived: false,
    underWayAtMs: 0,
    uploaded: [],
    reportedAttempt: 0,
    ...earlier,
  };
  if (progress.reportedAttempt !== context.attempt - 1) {
    progress.mayHaveArrived ||= idempotency.kind !== 'none';
    progress.underWayAtMs += DETAILS_AGE_MS;
  }
  return progress;
}

/**
 * Leaves the progress to the next attempt, acknowledged by the server. The SDK is told first: what it holds back of earlier
 * heartbeats would otherwise be sent later and overwrite this one.
 */
export async function remember(progress: SubmitProgress, context: ActivityContext): Promise<void> {
  context.heartbeat(progress);
  await context.acknowledgedHeartbeat(progress);
}
