import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { READMIT, type SubmitActivities } from '../contracts/activities.ts';
import type { Random } from '../rules/backoff.ts';
import type { Failure } from '../rules/failure.ts';
import { currentContext } from './activity-context.ts';
import type { ReadControl } from './control-reader.ts';
import { applicationFailure, failureOf } from './failures.ts';
import type { OpenInputFile } from './input-files.ts';
import { onBehalfOf } from './on-behalf-of.ts';
import type { Services } from './services.ts';
import { movedOn } from './moved-on.ts';
import { attemptSubmit, type EarlierBatches, type SubmitAttempt } from './submit-attempt.ts';
import { remember, resumeProgress } from './submit-progress.ts';
import { submitVerdict } from './submit-verdict.ts';

const HEARTBEAT_EVERY_MS = 1_000;
/** Less time than that left, in milliseconds, and an attempt whose worker dies may be the last: that is noticed only after a while. */
const LAST_ATTEMPT_MS = 15_000;

/** Activities of a service's submit queue. */
export function createSubmitActivities(deps: {
  readonly services: Services;
  readonly readControl: ReadControl;
  readonly openInputFile: OpenInputFile;
  readonly earlierBatches?: EarlierBatches;
  readonly now: () => number;
  readonly random: Random;
  readonly context?: typeof currentContext;
}): SubmitActivities {
  const currentAttempt = deps.context ?? currentContext;
  return {
    submitJob: async (request) => {
      const { services, openInputFile, earlierBatches, now } = deps;
      const context = currentAttempt();
      const runtime = onBehalfOf(services.get(request.service, request.route), request);
      const progress = resumeProgress(context, runtime.integration.submit.idempotency);
      const attempt: SubmitAttempt = { runtime, request, progress, context, openInputFile, earlierBatches, now };
      // Where no later attempt could say that this one began and died, it says so itself. Else most have no heartbeat: each is billed.
      if (request.deadlineAtMs - now() < LAST_ATTEMPT_MS) context.heartbeat(progress);
      const heartbeats = setInterval(() => context.heartbeat(progress), HEARTBEAT_EVERY_MS);
      try {
        // What may be at the service already belongs to this admission, whatever is decided now.
        if (!progress.mayHaveArrived) {
          const moved = await movedOn(deps, request);
          if (moved !== undefined) throw ApplicationFailure.nonRetryable(moved, READMIT);
        }
        return await attemptSubmit(attempt);
      } catch (error) {
        if (error instanceof ApplicationFailure) throw error;
        const { aborted } = context.signal;
        if (aborted && !progress.mayHaveArrived) throw new CancelledFailure('Canceled before it was sent.');
        throw await report(attempt, failureOf(error, aborted), error);
      } finally {
        clearInterval(heartbeats);
      }
    },
  };

  async function report(attempt: SubmitAttempt, failure: Failure, cause: unknown): Promise<Error> {
    const { progress, context } = attempt;
    const verdict = submitVerdict(attempt, failure, { tries: context.attempt, random: deps.random, cause });
    if (verdict.retryInMs === undefined) return applicationFailure(verdict);
    progress.reportedAttempt = context.attempt;
    // Best effort: the next attempt takes a report that is missing for a crash, which is the safe side.
    await remember(progress, context).catch(() => undefined);
    return applicationFailure(verdict);
  }
}
