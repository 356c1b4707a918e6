import { PlaybookError } from '../contracts/errors.ts';
import { jobReference, type JobRef } from '../contracts/ids.ts';
import type { JobObservation } from '../contracts/jobs.ts';
import type { Json } from '../contracts/json.ts';
import type { ObservedState } from '../contracts/states.ts';
import type { Endpoint, Integration, RemoteJob } from '../definition/index.ts';
import { parseContract } from '../definition/index.ts';
import type { OutboundRequest, RequestKind, ServiceResponse } from '../http/types.ts';
import type { ServiceRuntime } from './services.ts';

/** Largest result kept in a history, in bytes of JSON. Payloads over 256 KB fail the workflow task. */
const MAX_RESULT_BYTES = 128 * 1024;

/** Reads an endpoint's answer by its pinned schema. @throws PlaybookError CONTRACT_VIOLATION with the field's path */
export function readAnswer<Context, Body, Out>(
  { onUnknown }: Pick<ServiceRuntime, 'onUnknown'>,
  endpoint: Endpoint<Context, Body, Out>,
  response: Pick<ServiceResponse, 'json'>,
  context: Context,
  where: string,
): Out {
  const options = { where, ...(onUnknown === undefined ? {} : { onUnknown }) };
  return endpoint.read(parseContract<Body>(endpoint.response, response.json, options), context);
}

/** An endpoint's request, as the service client takes it. */
export function outbound<Context>(
  endpoint: Pick<Endpoint<Context, unknown, unknown>, 'request'>,
  context: Context,
  kind: RequestKind,
): OutboundRequest {
  const spec = endpoint.request(context);
  return { ...spec, kind, repeatable: spec.method === 'GET' };
}

/** Asks for the status, and for the result where that is a second GET. */
export async function observe(
  runtime: ServiceRuntime,
  externalId: string,
  signal: AbortSignal,
): Promise<JobObservation> {
  const { integration, client } = runtime;
  const target = { externalId };
  const response = await client.send(outbound(integration.status, target, 'poll'), signal);
  const job = readAnswer(runtime, integration.status, response, target, 'status response');
  if (job.externalId !== externalId) {
    throw new PlaybookError(
      'CONTRACT_VIOLATION',
      `Asked ${integration.service} for ${externalId}, it answered for ${job.externalId}.`,
    );
  }
  const { fetch } = integration;
  if (fetch === undefined || mappedState(integration, job.word) !== 'COMPLETED') return toObservation(integration, job);
  const fetched = { externalId, job };
  const answer = await client.send(outbound(fetch, fetched, 'fetch'), signal);
  return toObservation(integration, { ...job, result: readAnswer(runtime, fetch, answer, fetched, 'result response') });
}

/**
 * Finds a job at the service by our reference; `undefined` when there is none.
 * @throws PlaybookError AMBIGUOUS_SUBMIT when the service cannot be searched
 */
export async function findByReference(
  runtime: ServiceRuntime,
  job: JobRef,
  signal: AbortSignal,
): Promise<RemoteJob | undefined> {
  const { lookup, service } = runtime.integration;
  if (lookup === undefined) {
    const message = `Whether ${service} has job ${jobReference(job)} cannot be found out: it offers no search by reference.`;
    throw new PlaybookError('AMBIGUOUS_SUBMIT', message);
  }
  const target = { reference: jobReference(job) };
  const response = await runtime.client.send(outbound(lookup, target, 'lookup'), signal);
  return readAnswer(runtime, lookup, response, target, 'lookup response');
}

/** What a status word of the service means; `undefined` for a word it does not know. */
export function mappedState({ states }: Integration, word: string): ObservedState | undefined {
  return Object.hasOwn(states, word) ? states[word] : undefined;
}

/**
 * The service's word in ours, with the result validated.
 * @throws PlaybookError UNKNOWN_STATUS, CONTRACT_VIOLATION or RESPONSE_TOO_LARGE
 */
export function toObservation(integration: Integration, job: RemoteJob): JobObservation {
  const state = mappedState(integration, job.word);
  if (state === undefined) {
    const known = Object.keys(integration.states).join(', ');
    throw new PlaybookError(
      'UNKNOWN_STATUS',
      `${integration.service} reports status ${JSON.stringify(job.word)}, which is none of: ${known}. Add it to the integration's states.`,
    );
  }
  return {
    state,
    word: job.word,
    ...(state === 'COMPLETED' ? { result: validResult(integration, job.result) } : {}),
    ...(job.parts === undefined ? {} : { parts: job.parts }),
    ...(job.error === undefined ? {} : { error: job.error }),
    ...(job.costMicros === undefined ? {} : { costMicros: job.costMicros }),
  };
}

function validResult(integration: Integration, result: unknown): Json {
  const parsed = parseContract(integration.result, result, { where: 'result' }) as Json;
  const bytes = Buffer.byteLength(JSON.stringify(parsed));
  if (bytes > MAX_RESULT_BYTES) {
    throw new PlaybookError(
      'RESPONSE_TOO_LARGE',
      `The result has ${bytes} bytes of JSON; at most ${MAX_RESULT_BYTES} go into a history. Return a reference to it.`,
    );
  }
  return parsed;
}
