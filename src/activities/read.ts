import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { JOB_PENDING, type PollRequest, type ReadActivities, type ReadRequest } from '../contracts/activities.ts';
import type { JobObservation } from '../contracts/jobs.ts';
import {
  backoffMs,
  HINTED_SPACING_MS,
  pollDelayMs,
  retryAfterMs,
  type PollSpacing,
  type Random,
} from '../rules/backoff.ts';
import { currentContext } from './activity-context.ts';
import { applicationFailure, judge, MENDABLE } from './failures.ts';
import { onBehalfOf } from './on-behalf-of.ts';
import { cancelAtService, configuredSpacing } from './looking.ts';
import { findByReference, observe } from './observe.ts';
import type { Services } from './services.ts';

/** Looks a hint is worth: over some seconds, after which the ordinary poll goes on. */
const HINTED_LOOKS = 6;
/** Answers "not found" that may only mean "not yet": the service has accepted the job, so it must turn up. */
const NOT_FOUND_TOLERATED = 5;

/** Activities of a service's read queue: GETs, and the cancellation that must not wait behind submits. */
export function createReadActivities(deps: {
  readonly services: Services;
  readonly now: () => number;
  readonly random: Random;
  readonly context?: typeof currentContext;
}): ReadActivities {
  const context = deps.context ?? currentContext;

  /** One look; a failure worth repeating is thrown with the time of the next. */
  async function look(request: ReadRequest, spacing: PollSpacing): Promise<JobObservation> {
    const runtime = onBehalfOf(deps.services.get(request.service, request.route), request);
    const { attempt, signal } = context();
    try {
      return await observe(runtime, request.externalId, signal);
    } catch (error) {
      if (signal.aborted) throw new CancelledFailure('The read was canceled.');
      const { code, message, retryable, retryAfterMs: asked, throttled } = judge(error);
      const mayTurnUp = code === 'NOT_FOUND' && attempt <= NOT_FOUND_TOLERATED;
      if (!retryable && !mayTurnUp && !MENDABLE.has(code)) throw applicationFailure({ code, message, cause: error });
      const leftMs = request.deadlineAtMs - deps.now();
      const retryInMs =
        asked === undefined ? pollDelayMs(spacing, attempt, leftMs, deps.random) : retryAfterMs(asked, deps.random);
      throw applicationFailure({ code, message, retryInMs, expected: throttled || mayTurnUp, cause: error });
    }
  }

  function notYet(request: ReadRequest, observation: JobObservation, spacing: PollSpacing): ApplicationFailure {
    const delayMs = pollDelayMs(spacing, context().attempt, request.deadlineAtMs - deps.now(), deps.random);
    return ApplicationFailure.create({
      type: JOB_PENDING,
      message: `${request.externalId} is ${observation.word}; next look in ${(delayMs / 1000).toFixed(1)} s.`,
      category: 'BENIGN',
      nextRetryDelay: delayMs,
    });
  }

  return {
    pollJob: async (request) => {
      const spacing = configuredSpacing(deps.services.get(request.service, request.route));
      const observation = await look(request, spacing);
      if (observation.state === 'PROCESSING') throw notYet(request, observation, spacing);
      return { observation, polls: context().attempt };
    },

    fetchResult: async (request) => {
      const { maxMs } = configuredSpacing(deps.services.get(request.service, request.route));
      const spacing = { ...HINTED_SPACING_MS, maxMs };
      const { attempt } = context();
      const observation = await look(request, spacing);
      if (observation.state === 'PROCESSING' && attempt < HINTED_LOOKS) throw notYet(request, observation, spacing);
      return { observation, polls: attempt + (observation.state === 'PROCESSING' ? 0 : await earlierPolls(request)) };
    },

    cancelJob: async (request) => {
      const runtime = onBehalfOf(deps.services.get(request.service, request.route), request);
      const { signal, attempt } = context();
      try {
        const externalId = request.externalId ?? (await findByReference(runtime, request, signal))?.externalId;
        if (externalId === undefined) return { externalId: null, observation: null };
        return { externalId, observation: await cancelAtService(runtime, externalId, signal) };
      } catch (error) {
        if (signal.aborted) throw new CancelledFailure('The cancellation was canceled.');
        const { code, message, retryable, retryAfterMs: asked } = judge(error);
        if (!retryable) throw applicationFailure({ code, message, cause: error });
        const retryInMs =
          asked === undefined
            ? backoffMs(runtime.config.service.retry.backoff_ms, attempt, deps.random)
            : retryAfterMs(asked, deps.random);
        throw applicationFailure({ code, message, retryInMs, cause: error });
      }
    },
  };

  /** Requests of a poll that is still pending beside this fetch. */
  async function earlierPolls(request: PollRequest): Promise<number> {
    if (request.earlierPollActivityId === undefined) return 0;
    const poll = await context().pendingActivity(request.earlierPollActivityId);
    return poll === undefined ? 0 : poll.attempt - (poll.running ? 0 : 1);
  }
}
