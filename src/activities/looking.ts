import { PlaybookError } from '../contracts/errors.ts';
import type { JobObservation } from '../contracts/jobs.ts';
import { RequestFailed } from '../http/types.ts';
import type { PollSpacing } from '../rules/backoff.ts';
import { judge } from './failures.ts';
import { mappedState, observe, outbound, readAnswer, toObservation } from './observe.ts';
import type { ServiceRuntime } from './services.ts';

/** Asks the service to cancel a job; resolves with what it then says of it. */
export async function cancelAtService(
  runtime: ServiceRuntime,
  externalId: string,
  signal: AbortSignal,
): Promise<JobObservation> {
  const { integration, client } = runtime;
  const { cancel } = integration;
  if (cancel === undefined) {
    throw new PlaybookError('CONFLICT', `${integration.service} offers no way to cancel a job.`);
  }
  const target = { externalId };
  try {
    const response = await client.send({ ...outbound(cancel, target, 'cancel'), repeatable: true }, signal);
    const job = readAnswer(runtime, cancel, response, target, 'cancel response');
    // A result comes with the status, not with this.
    if (job !== undefined && mappedState(integration, job.word) !== 'COMPLETED') return toObservation(integration, job);
  } catch (error) {
    const { code } = judge(error);
    // Refused: most often because the job is over.
    if (!(error instanceof RequestFailed) || (code !== 'CONFLICT' && code !== 'VALIDATION')) throw error;
  }
  return observe(runtime, externalId, signal);
}

/** How polls of one job are spaced, as configured and as the gate has room for. */
export function configuredSpacing(runtime: ServiceRuntime): PollSpacing {
  const { initial_ms, factor, max_ms } = runtime.config.polling;
  const leastMs = runtime.leastPollMs?.() ?? 0;
  return { initialMs: Math.max(initial_ms, leastMs), factor, maxMs: Math.max(max_ms, leastMs) };
}
