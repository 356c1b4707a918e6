import { ApplicationFailure } from '@temporalio/common';
import { MAY_HAVE_ARRIVED } from '../contracts/activities.ts';
import { ERRORS, PlaybookError, type ErrorCode } from '../contracts/errors.ts';
import { RequestFailed } from '../http/types.ts';
import type { Failure } from '../rules/failure.ts';

/** Credentials that stopped working are no reason to lose a job the service has: it waits for somebody to mend them. */
export const MENDABLE: ReadonlySet<ErrorCode> = new Set(['AUTH_FAILED', 'SCOPE_MISSING']);

/** How a failed attempt is reported to Temporal. */
export interface Report {
  readonly code: ErrorCode;
  readonly message: string;
  /** Milliseconds to the next attempt; `undefined`: there is none. */
  readonly retryInMs?: number;
  /** Expected while all is well (a service that asks us to wait): neither a warning nor a failure metric. */
  readonly expected?: boolean;
  readonly mayHaveArrived?: boolean;
  readonly cause?: unknown;
}

/** The one place where our failures become Temporal's. */
export function applicationFailure(report: Report): ApplicationFailure {
  const { code, message, retryInMs, expected, mayHaveArrived } = report;
  const cause = report.cause instanceof Error ? report.cause : undefined;
  const marked = mayHaveArrived
    ? ApplicationFailure.create({
        type: MAY_HAVE_ARRIVED,
        message: 'A request of this attempt or an earlier one may have reached the service.',
        nonRetryable: true,
        ...(cause === undefined ? {} : { cause }),
      })
    : cause;
  return ApplicationFailure.create({
    type: code,
    message,
    nonRetryable: retryInMs === undefined,
    ...(retryInMs === undefined ? {} : { nextRetryDelay: retryInMs }),
    ...(expected ? { category: 'BENIGN' as const } : {}),
    ...(marked === undefined ? {} : { cause: marked }),
  });
}

/**
 * The judgement on anything an attempt can throw. What is neither a failed request nor one of our own errors comes from the
 * integration's code: a defect, which repeating would not mend.
 */
export function judge(error: unknown): Failure {
  if (error instanceof RequestFailed) return error.failure;
  if (error instanceof PlaybookError) {
    const { retryable } = ERRORS[error.code];
    return { code: error.code, retryable, arrival: 'never', throttled: retryable, message: error.message };
  }
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    code: 'INTERNAL',
    retryable: false,
    arrival: 'never',
    throttled: false,
    message: `Integration code failed. ${what}`,
  };
}

/** What is known of an attempt that was stopped half-way, by a cancellation or by the end of its worker. */
const STOPPED: Failure = {
  code: 'CANCELED',
  retryable: true,
  arrival: 'never',
  throttled: true,
  message: 'The attempt was stopped before it came to a request of its own.',
};

/** The judgement on what a submit threw that may have been stopped meanwhile. */
export function failureOf(error: unknown, stopped: boolean): Failure {
  return stopped && !isOwnFailure(error) ? STOPPED : judge(error);
}

/** True for a failure that says something of its own, rather than that the attempt was stopped. */
function isOwnFailure(error: unknown): boolean {
  return error instanceof PlaybookError || (error instanceof RequestFailed && error.failure.code !== 'CANCELED');
}
