import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { firstArgument } from '../client/first-argument.ts';
import { PlaybookError } from '../contracts/errors.ts';
import { SERVICE_PATTERN } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { WEBHOOK_DELIVERY_WORKFLOW, webhookDeliveryId } from '../contracts/webhook-delivery.ts';
import type { WebhookDeliveryRequest } from '../contracts/webhook-delivery.ts';
import { startWebhookDelivery } from './hand-over.ts';

/** Names one event. */
export interface DeadLetterRef {
  readonly service: string;
  readonly eventId: string;
}

/** An event for which no job was found. */
export interface DeadLetter extends DeadLetterRef {
  readonly workflowId: string;
  readonly runId: string;
  readonly externalId: string;
  /** What the event claims. */
  readonly state: string;
  readonly receivedAtMs: number;
  /** When the search was given up. */
  readonly deadSinceMs: number;
}

export interface DeadLetterFilter {
  readonly service?: string;
  /** So many at most, the latest first. @default 100 */
  readonly limit?: number;
}

/** Dead letters that nobody has retried or discarded. A failed run that another one has followed is none any more. */
export async function* listDeadLetters(client: Client, filter: DeadLetterFilter = {}): AsyncIterable<DeadLetter> {
  let left = filter.limit ?? 100;
  for await (const { workflowId, runId, closeTime } of client.workflow.list({ query: failedDeliveries(filter) })) {
    if (left <= 0) return;
    const latest = await client.workflow.getHandle(workflowId).describe();
    if (latest.runId !== runId) continue;
    const { service, externalId, hint } = await firstArgument<WebhookDeliveryRequest>(client, workflowId, runId);
    left -= 1;
    yield {
      service,
      eventId: hint.eventId,
      workflowId,
      runId,
      externalId,
      state: hint.state,
      receivedAtMs: hint.receivedAtMs,
      deadSinceMs: closeTime?.getTime() ?? hint.receivedAtMs,
    };
  }
}

/**
 * Looks for the job again, with the same event. The new run has the same workflow id, so the event keeps its one identity.
 * @returns the new run's id
 * @throws PlaybookError DEAD_LETTER_NOT_FOUND when the event is no dead letter (any more)
 */
export async function retryDeadLetter(client: Client, letter: DeadLetterRef): Promise<string> {
  return startAnew(client, letter, (request) => request);
}

/**
 * Gives an event up for good. A closed workflow cannot be marked, so one more run of it keeps who and why, in plain sight
 * in the Web UI, and ends COMPLETED: from then on the event is a duplicate, also when the sender repeats it.
 * @returns the new run's id
 * @throws PlaybookError as {@link retryDeadLetter}
 */
export async function discardDeadLetter(
  client: Client,
  letter: DeadLetterRef,
  why: { readonly actor: string; readonly reason: string },
): Promise<string> {
  return startAnew(client, letter, (request) => ({ ...request, discard: { actor: why.actor, reason: why.reason } }));
}

async function startAnew(
  client: Client,
  { service, eventId }: DeadLetterRef,
  change: (request: WebhookDeliveryRequest) => WebhookDeliveryRequest,
): Promise<string> {
  const workflowId = webhookDeliveryId(service, eventId);
  try {
    const { runId } = await client.workflow.getHandle(workflowId).describe();
    const request = await firstArgument<WebhookDeliveryRequest>(client, workflowId, runId);
    return await startWebhookDelivery(client, change(request));
  } catch (error) {
    const gone = error instanceof WorkflowNotFoundError;
    if (!gone && !(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new PlaybookError(
      'DEAD_LETTER_NOT_FOUND',
      `Event ${eventId} of ${service} ${gone ? 'is not known here' : 'is no dead letter: it is being delivered, or was delivered or discarded'}. See \`playbook webhooks dead-letters list\`.`,
      { cause: error },
    );
  }
}

function failedDeliveries({ service }: DeadLetterFilter): string {
  const query = `WorkflowType = '${WEBHOOK_DELIVERY_WORKFLOW}' AND ExecutionStatus = 'Failed'`;
  if (service === undefined) return query;
  if (!SERVICE_PATTERN.test(service)) {
    throw new PlaybookError('UNKNOWN_SERVICE', `${JSON.stringify(service)} is not a service's short name.`);
  }
  return `${query} AND ${SEARCH_ATTRIBUTES.service.name} = '${service}'`;
}
