import { createHash } from 'node:crypto';
import { parseJobReference } from '../contracts/ids.ts';
import type { TokenJob } from '../definition/callback-token.ts';
import type { Integration, WebhookReading } from '../definition/integration.ts';
import type { Address, Delivery } from './delivery.ts';
import { parseBody } from './parse-body.ts';
import { trustedObservation } from './trusted-observation.ts';

/**
 * Ids Temporal's visibility can find: at most 255 characters, without quotes and backslashes. Its query language cannot match `"`, a
 * backslash or `''` in any way of writing (tried on server 1.32).
 */
const SEARCHABLE_ID = /^[^"'\\\p{C}]{1,255}$/u;

/** Longest description of what is wrong with a payload, in characters: a path may hold keys of the sender's. */
const MAX_DETAIL = 200;

export type WebhookDefinition = NonNullable<Integration['webhook']>;

/** One verified event. */
export interface VerifiedEvent {
  readonly body: Uint8Array;
  readonly receivedAtMs: number;
  /** The scheme's event id. */
  readonly eventId: string | undefined;
  /** What the callback token in the URL says, if one was there and good. */
  readonly tokenJob: TokenJob | undefined;
}

export type EventRead =
  | { readonly kind: 'deliver'; readonly delivery: Delivery; readonly tokenIgnored: boolean }
  /** None of our business: no state we know, or progress of a job we could only search for. */
  | { readonly kind: 'ignore' }
  /** `detail` says where, never what: it goes to the log. */
  | { readonly kind: 'malformed'; readonly detail: string };

/** Parses a verified body with the integration's schema and decides whom it is for. */
export function readEvent(integration: Integration, webhook: WebhookDefinition, event: VerifiedEvent): EventRead {
  const json = parseBody(event.body);
  if (!json) return { kind: 'malformed', detail: 'not JSON in UTF-8' };
  const reading = readPayload(webhook, json.value);
  if ('detail' in reading) return { kind: 'malformed', detail: reading.detail };

  const { state, externalId } = reading;
  if (state === undefined) return { kind: 'ignore' };
  const { address, tokenIgnored } = findAddress(integration.service, reading, event.tokenJob);
  if (!address) return { kind: 'malformed', detail: 'it names no job' };
  if (address.kind === 'external') {
    if (state === 'PROCESSING') return { kind: 'ignore' };
    if (!SEARCHABLE_ID.test(address.externalId))
      return { kind: 'malformed', detail: 'its job id cannot be searched for' };
  }

  const observation = trustedObservation(integration, reading);
  const hint = {
    eventId: usableEventId(reading.eventId ?? event.eventId, event.body),
    state,
    receivedAtMs: event.receivedAtMs,
    ...(externalId !== undefined && { externalId }),
    ...(address.kind === 'job' && { generation: address.job.generation }),
    ...(observation !== undefined && { observation }),
  };
  return { kind: 'deliver', delivery: { service: integration.service, address, hint }, tokenIgnored };
}

function readPayload(webhook: WebhookDefinition, value: unknown): WebhookReading | { detail: string } {
  try {
    const parsed = webhook.payload.safeParse(value);
    if (parsed.success) return webhook.read(parsed.data);
    const places = parsed.error.issues.map(({ path, code }) => `${path.join('.') || 'body'}: ${code}`);
    return { detail: places.join(', ').slice(0, MAX_DETAIL) };
  } catch (error) {
    return { detail: `the integration's own code failed: ${error instanceof Error ? error.name : 'unknown'}` };
  }
}

/**
 * Token, then reference, then the service's id. Where token and reference disagree the reference wins: it is signed by the service,
 * while a token only stands in the URL, and a captured event could be sent to another job's URL.
 */
function findAddress(
  service: string,
  { reference, externalId }: WebhookReading,
  tokenJob: TokenJob | undefined,
): { address: Address | undefined; tokenIgnored: boolean } {
  const named = reference === undefined ? undefined : parseJobReference(reference);
  if (named) {
    const agrees = tokenJob === undefined || (tokenJob.key === named.key && tokenJob.generation === named.generation);
    // Only the token knows of a batch.
    const job = agrees && tokenJob !== undefined ? tokenJob : { service, ...named };
    return { address: { kind: 'job', job }, tokenIgnored: !agrees };
  }
  if (tokenJob) return { address: { kind: 'job', job: tokenJob }, tokenIgnored: false };
  return { address: externalId === undefined ? undefined : { kind: 'external', externalId }, tokenIgnored: false };
}

/**
 * An id fit to be part of a workflow id. Without any, the body's hash: the same bytes make the same claim about the same job, so
 * taking them for one event loses nothing.
 */
function usableEventId(id: string | undefined, body: Uint8Array): string {
  if (id !== undefined && /^[!-~]{1,200}$/.test(id)) return id;
  return `sha256-${createHash('sha256')
    .update(id ?? body)
    .digest('hex')}`;
}
