import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState, TimeoutFailure } from '@temporalio/common';
import { MAY_HAVE_ARRIVED, READMIT } from '../contracts/activities.ts';
import { isErrorCode, type ErrorCode } from '../contracts/errors.ts';

/** What came of an activity: its answer, or why there is none. */
export type End<Answer> = { readonly answer: Answer } | { readonly failed: Failed };

/** Why an activity ended without an answer, in the registry's words. */
export interface Failed {
  /** Admit again: the control state moved on and nothing was sent. */
  readonly readmit: boolean;
  readonly canceled: boolean;
  readonly code: ErrorCode;
  readonly message: string;
  /** The activity ran out of the job's time rather than failing. */
  readonly outOfTime: boolean;
  /** A request of it may have reached the service. */
  readonly mayHaveArrived: boolean;
}

/** Waits for an activity to end, one way or the other. */
export async function endOf<Answer>(activity: Promise<Answer>): Promise<End<Answer>> {
  try {
    return { answer: await activity };
  } catch (error) {
    return endedBy(error);
  }
}

/** The end an activity's failure is. Anything else is a defect, and thrown on. */
export function endedBy(error: unknown): { readonly failed: Failed } {
  if (!(error instanceof ActivityFailure)) throw error;
  return { failed: failedBecause(error) };
}

function failedBecause(error: ActivityFailure): Failed {
  const { cause } = error;
  const timeout = cause instanceof TimeoutFailure ? cause : undefined;
  const last = timeout === undefined ? cause : timeout.cause;
  const outcome = {
    canceled: cause instanceof CancelledFailure || error.retryState === RetryState.CANCEL_REQUESTED,
    outOfTime: timeout !== undefined || error.retryState === RetryState.TIMEOUT,
  };
  if (!(last instanceof ApplicationFailure)) {
    // No attempt ended with a reason. One that began and died timed out or left a heartbeat; what it sent, nobody knows. The SDK
    // leaves the cause out of its error for a time-out; in the failure as the server wrote it, it is.
    const hasVanished = timeout?.failure?.cause?.timeoutFailureInfo != null;
    const mayHaveArrived = timeout?.lastHeartbeatDetails !== undefined || hasVanished;
    const message = cause?.message ?? error.message;
    return { ...outcome, readmit: false, code: 'INTERNAL', message, mayHaveArrived };
  }
  const type = last.type ?? '';
  const heartbeat = timeout?.lastHeartbeatDetails as { readonly mayHaveArrived?: boolean } | undefined;
  const marked = last.cause instanceof ApplicationFailure && last.cause.type === MAY_HAVE_ARRIVED;
  return {
    ...outcome,
    readmit: type === READMIT,
    code: isErrorCode(type) ? type : 'INTERNAL',
    message: last.message,
    mayHaveArrived: marked || heartbeat?.mayHaveArrived === true,
  };
}
