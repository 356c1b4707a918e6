import type { JobObservation } from '../contracts/jobs.ts';
import type { Json } from '../contracts/json.ts';
import { isTerminal } from '../contracts/states.ts';
import type { Integration, WebhookReading } from '../definition/integration.ts';

/** Larger results are fetched instead: a signal stays in history. */
const MAX_RESULT_BYTES = 64 * 1024;

/**
 * The end of a job as a trusted webhook tells it. `undefined` whenever anything does not fit (an unknown word, another state than the event
 * claims, a result that breaks the schema): then the GET decides.
 */
export function trustedObservation(integration: Integration, reading: WebhookReading): JobObservation | undefined {
  const { job } = reading;
  if (integration.webhook?.trusted !== true || job === undefined) return undefined;
  const state = Object.hasOwn(integration.states, job.word) ? integration.states[job.word] : undefined;
  if (state === undefined || state !== reading.state || !isTerminal(state)) return undefined;
  if (reading.externalId !== undefined && reading.externalId !== job.externalId) return undefined;

  const observation = {
    state,
    word: job.word,
    ...(job.parts !== undefined && { parts: job.parts }),
    ...(job.error !== undefined && { error: job.error }),
    ...(job.costMicros !== undefined && { costMicros: job.costMicros }),
  };
  if (state !== 'COMPLETED') return observation;
  const parsed = integration.result.safeParse(job.result);
  if (!parsed.success) return undefined;
  const result = JSON.stringify(parsed.data) as string | undefined;
  if (result === undefined || Buffer.byteLength(result) > MAX_RESULT_BYTES) return undefined;
  return { ...observation, result: JSON.parse(result) as Json };
}
