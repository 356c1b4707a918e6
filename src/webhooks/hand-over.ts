import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { batchWorkflowId, WEBHOOKS_SIGNAL, type BatchHint } from '../contracts/batch.ts';
import { jobWorkflowId } from '../contracts/ids.ts';
import { WEBHOOK_SIGNAL } from '../contracts/messages.ts';
import { WORKFLOW_QUEUE } from '../contracts/queues.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { WEBHOOK_DELIVERY_WORKFLOW, webhookDeliveryId } from '../contracts/webhook-delivery.ts';
import type { WebhookDeliveryRequest } from '../contracts/webhook-delivery.ts';
import type { Delivery, HandOver, HandOverResult } from './delivery.ts';
import { createGrouping } from './grouping.ts';
import { createQuietLog } from './quiet-log.ts';
import type { ReceiverLogger } from './quiet-log.ts';

export interface TemporalHandOverOptions {
  readonly client: Client;
  readonly logger: ReceiverLogger;
  /** How long Temporal may take, in milliseconds; then the sender is asked to come again. @default 4000 (senders wait 15 to 30 s) */
  readonly deadlineMs?: number;
  /** How long a job may still be recording its external id, in milliseconds. @default 15 minutes */
  readonly searchMs?: number;
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number;
}

const DEFAULT_DEADLINE_MS = 4000;
/**
 * How long events for one batch are gathered into one signal, in milliseconds: while more keep coming, and at most. Each signal
 * costs a workflow task, so a batch at a small rate must not have one for each event.
 */
const GATHERED = { idleMs: 80, longestMs: 320 };
const DEFAULT_SEARCH_MS = 15 * 60_000;

/** Hands events to Temporal: a signal to the job where it is known, else a `webhookDelivery` workflow that looks for it. */
export function createTemporalHandOver(options: TemporalHandOverOptions): HandOver {
  const { client, deadlineMs = DEFAULT_DEADLINE_MS, searchMs = DEFAULT_SEARCH_MS, now = Date.now } = options;
  const warnQuietly = createQuietLog(options.logger, now);

  const toBatch = createGrouping<BatchHint, HandOverResult>({
    ...GATHERED,
    send: (workflowId, hints) =>
      withinDeadline(client, deadlineMs, () => signal(client, workflowId, WEBHOOKS_SIGNAL, hints)),
  });

  const deliver = ({ service, address, hint }: Delivery): Promise<HandOverResult> => {
    if (address.kind === 'external') {
      const request = { service, externalId: address.externalId, hint, searchMs };
      return withinDeadline(client, deadlineMs, () => startDelivery(client, request));
    }
    const { batch, key } = address.job;
    if (batch !== undefined) return toBatch.add(batchWorkflowId(batch), { key, hint });
    const workflowId = jobWorkflowId(service, key);
    return withinDeadline(client, deadlineMs, () => signal(client, workflowId, WEBHOOK_SIGNAL, hint));
  };

  return async (delivery) => {
    try {
      return await deliver(delivery);
    } catch (error) {
      const { service } = delivery;
      warnQuietly(service, { service, err: error }, 'Temporal did not take a webhook; its sender comes again.');
      return 'temporal_away';
    }
  };
}

async function signal(client: Client, workflowId: string, name: string, argument: unknown): Promise<HandOverResult> {
  try {
    await client.workflow.getHandle(workflowId).signal(name, argument);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return /already completed/i.test(error.message) ? 'late' : 'unknown_job';
  }
}

async function startDelivery(client: Client, request: WebhookDeliveryRequest): Promise<HandOverResult> {
  try {
    await startWebhookDelivery(client, request);
    return 'accepted';
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'duplicate';
    throw error;
  }
}

/**
 * Starts the delivery of an event under the id all its repetitions share. Only a failed run, a dead letter, gives way to another one:
 * the sender's own redelivery is as good a reason to look again as an operator's retry.
 * @returns the run's id
 * @throws WorkflowExecutionAlreadyStartedError while it runs, and once it was delivered or discarded
 */
export async function startWebhookDelivery(client: Client, request: WebhookDeliveryRequest): Promise<string> {
  const { service, externalId, hint } = request;
  const handle = await client.workflow.start(WEBHOOK_DELIVERY_WORKFLOW, {
    workflowId: webhookDeliveryId(service, hint.eventId),
    taskQueue: WORKFLOW_QUEUE,
    args: [request],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'FAIL',
    staticSummary: `${service}: ${hint.state} of ${externalId}, a job known only by the service’s id`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.service.name, SEARCH_ATTRIBUTES.service.type), value: service },
      {
        key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.externalId.name, SEARCH_ATTRIBUTES.externalId.type),
        value: externalId,
      },
    ]),
  });
  return handle.firstExecutionRunId;
}

/**
 * The SDK notices its deadline only between two of its own retries, seconds late, so a timer ends the wait. The deadline then ends the
 * retries; should one of them still get through, the sender's repetition is a duplicate.
 */
async function withinDeadline<T>(client: Client, deadlineMs: number, call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Temporal did not answer within ${deadlineMs} ms`)), deadlineMs);
  });
  const running = client.withDeadline(Date.now() + deadlineMs, call);
  running.catch(() => undefined); // after the timer nobody waits for it
  try {
    return await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}
