import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { READMIT, type SubmitActivities, type SubmitRequest } from '../contracts/activities.ts';
import { PlaybookError } from '../contracts/errors.ts';
import { RequestFailed } from '../http/types.ts';
import { decide } from '../rules/admission.ts';
import { backoffMs, retryAfterMs, type Random } from '../rules/backoff.ts';
import type { Failure } from '../rules/failure.ts';
import { currentContext } from './activity-context.ts';
import type { ReadControl } from './control-reader.ts';
import { applicationFailure, judge, MENDABLE } from './failures.ts';
import type { OpenInputFile } from './input-files.ts';
import { onBehalfOf } from './on-behalf-of.ts';
import type { Services } from './services.ts';
import { attemptsUsedUp, attemptSubmit, usedUpMessage, type SubmitAttempt } from './submit-attempt.ts';
import { remember, resumeProgress } from './submit-progress.ts';

const HEARTBEAT_EVERY_MS = 1_000;

/** What is known of an attempt that was stopped half-way, by a cancellation or by the end of its worker. */
const STOPPED: Failure = {
  code: 'CANCELED',
  retryable: true,
  arrival: 'never',
  throttled: true,
  message: 'The attempt was stopped before it came to a request of its own.',
};

/** Activities of a service's submit queue. */
export function createSubmitActivities(deps: {
  readonly services: Services;
  readonly readControl: ReadControl;
  readonly openInputFile: OpenInputFile;
  readonly now: () => number;
  readonly random: Random;
  readonly context?: typeof currentContext;
}): SubmitActivities {
  const currentAttempt = deps.context ?? currentContext;
  return {
    submitJob: async (request) => {
      const { services, openInputFile, now } = deps;
      const context = currentAttempt();
      const runtime = onBehalfOf(services.get(request.service, request.route), request);
      const progress = resumeProgress(context, runtime.integration.submit.idempotency);
      const attempt: SubmitAttempt = { runtime, request, progress, context, openInputFile, now };
      context.heartbeat(progress);
      const heartbeats = setInterval(() => context.heartbeat(progress), HEARTBEAT_EVERY_MS);
      try {
        // What may be at the service already belongs to this admission, whatever is decided now.
        if (!progress.mayHaveArrived) await confirmAdmission(request);
        return await attemptSubmit(attempt);
      } catch (error) {
        if (error instanceof ApplicationFailure) throw error;
        const { aborted } = context.signal;
        if (aborted && !progress.mayHaveArrived) throw new CancelledFailure('Canceled before it was sent.');
        throw await report(attempt, aborted && !isOwnFailure(error) ? STOPPED : judge(error), error);
      } finally {
        clearInterval(heartbeats);
      }
    },
  };

  /** If the control state has moved on since admission and would decide otherwise now, nothing is sent. */
  async function confirmAdmission({ service, unit, route, revision }: SubmitRequest): Promise<void> {
    const control = await deps.readControl(service);
    if (control.revision === revision) return;
    const now = decide(control, { service, unit }, { fallback: deps.services.has(service, 'fallback') });
    if (now.admitted && now.route === route) return;
    throw ApplicationFailure.nonRetryable(
      `Admitted at revision ${revision}; at ${control.revision}: ${now.reason}`,
      READMIT,
    );
  }

  async function report(attempt: SubmitAttempt, failure: Failure, cause: unknown): Promise<Error> {
    const { progress, context, request } = attempt;
    const { integration, config } = attempt.runtime;
    const { backoff_ms } = config.service.retry;
    const { mayHaveArrived } = progress;
    const { code, message, retryable, throttled, retryAfterMs: asked } = failure;
    const final = (reported: typeof code, why: string): Error =>
      applicationFailure({ code: reported, message: why, mayHaveArrived, cause });
    if (mayHaveArrived && integration.submit.idempotency.kind === 'none' && integration.lookup === undefined) {
      const ambiguous = `A submit to ${integration.service} may have arrived (${message}) and it offers no way to find out.`;
      return final('AMBIGUOUS_SUBMIT', ambiguous);
    }
    const mendable = mayHaveArrived && MENDABLE.has(code);
    if (!retryable && !mendable) return final(code, message);
    const isLooking = attemptsUsedUp(progress, attempt.runtime);
    if (!throttled && !mendable && !isLooking) {
      if (attempt.runtime.isDown?.() !== true) {
        progress.failures += 1;
        progress.lastMessage = message;
      }
      // A service in trouble may have lost what it was given.
      progress.uploaded = [];
    }
    const canLook = mayHaveArrived && integration.lookup !== undefined;
    if (attemptsUsedUp(progress, attempt.runtime) && !canLook) {
      return final('RETRIES_EXHAUSTED', usedUpMessage(progress, attempt.runtime));
    }
    const tries = throttled || isLooking ? context.attempt : Math.max(1, progress.failures);
    const backoff = backoffMs(backoff_ms, tries, deps.random);
    const pause = mendable ? backoffMs([config.polling.max_ms], 1, deps.random) : backoff;
    const retryInMs = asked === undefined ? pause : retryAfterMs(asked, deps.random);
    if (deps.now() + retryInMs >= request.deadlineAtMs) {
      return final('DEADLINE_EXCEEDED', `${message} The next attempt would be after the deadline.`);
    }
    progress.reportedAttempt = context.attempt;
    // Best effort: the next attempt takes a report that is missing for a crash, which is the safe side.
    await remember(progress, context).catch(() => undefined);
    return applicationFailure({ code, message, retryInMs, expected: throttled, mayHaveArrived, cause });
  }
}

/** True for a failure that says something of its own, rather than that the attempt was stopped. */
function isOwnFailure(error: unknown): boolean {
  return error instanceof PlaybookError || (error instanceof RequestFailed && error.failure.code !== 'CANCELED');
}
