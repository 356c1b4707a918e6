import type { ErrorCode } from '../contracts/errors.ts';
import { backoffMs, retryAfterMs, type Random } from '../rules/backoff.ts';
import type { Failure } from '../rules/failure.ts';
import { MENDABLE, type Report } from './failures.ts';
import { attemptsUsedUp, usedUpMessage, type SubmitAttempt } from './submit-attempt.ts';

/**
 * What a failed attempt at a submit means for its job: the end of it, or another attempt. Counts the failure.
 * @param tries attempts so far, from 1
 */
export function submitVerdict(
  attempt: SubmitAttempt,
  failure: Failure,
  { tries, random, cause }: { readonly tries: number; readonly random: Random; readonly cause: unknown },
): Report {
  const { progress, request, runtime, now } = attempt;
  const { integration, config } = runtime;
  const { mayHaveArrived } = progress;
  const { code, message, retryable, throttled, retryAfterMs: asked } = failure;
  const final = (reported: ErrorCode, why: string): Report => ({ code: reported, message: why, mayHaveArrived, cause });
  if (mayHaveArrived && integration.submit.idempotency.kind === 'none' && integration.lookup === undefined) {
    const ambiguous = `A submit to ${integration.service} may have arrived (${message}) and it offers no way to find out.`;
    return final('AMBIGUOUS_SUBMIT', ambiguous);
  }
  const mendable = mayHaveArrived && MENDABLE.has(code);
  if (!retryable && !mendable) return final(code, message);
  const isLooking = attemptsUsedUp(progress, runtime);
  if (!throttled && !mendable && !isLooking) {
    if (runtime.isDown?.() !== true) {
      progress.failures += 1;
      progress.lastMessage = message;
    }
    // A service in trouble may have lost what it was given.
    progress.uploaded = [];
  }
  const canLook = mayHaveArrived && integration.lookup !== undefined;
  if (attemptsUsedUp(progress, runtime) && !canLook)
    return final('RETRIES_EXHAUSTED', usedUpMessage(progress, runtime));
  const failures = throttled || isLooking ? tries : Math.max(1, progress.failures);
  const backoff = backoffMs(config.service.retry.backoff_ms, failures, random);
  const pause = mendable ? backoffMs([config.polling.max_ms], 1, random) : backoff;
  const retryInMs = asked === undefined ? pause : retryAfterMs(asked, random);
  if (now() + retryInMs >= request.deadlineAtMs) {
    return final('DEADLINE_EXCEEDED', `${message} The next attempt would be after the deadline.`);
  }
  return { code, message, retryInMs, expected: throttled, mayHaveArrived, cause };
}
