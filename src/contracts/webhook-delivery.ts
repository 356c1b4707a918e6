import type { WebhookHint } from './jobs.ts';

/** Workflow type `(request: WebhookDeliveryRequest) => WebhookDeliveryResult`. */
export const WEBHOOK_DELIVERY_WORKFLOW = 'webhookDelivery';

/** Workflow id of one event's delivery: the dedupe, for as long as the namespace keeps closed workflows. */
export function webhookDeliveryId(service: string, eventId: string): string {
  return `webhook/${service}/${eventId}`;
}

/** An event whose job is known only by the service's own id. */
export interface WebhookDeliveryRequest {
  readonly service: string;
  readonly externalId: string;
  readonly hint: WebhookHint;
  /** How long to look for the job, in milliseconds: as long as it may still be recording its external id. */
  readonly searchMs: number;
  /** Set when an operator gave the dead letter up: nothing is delivered, the run only keeps who and why. */
  readonly discard?: { readonly actor: string; readonly reason: string };
}

/** `late`: the job had ended before. */
export type WebhookDeliveryResult =
  | { readonly outcome: 'delivered' | 'late'; readonly jobWorkflowId: string }
  | { readonly outcome: 'discarded'; readonly actor: string; readonly reason: string };

/** Ordinary activities, on the queue of the workflows. */
export interface WebhookDeliveryActivities {
  /**
   * Looks the job up by the service's id and signals it.
   * @throws ApplicationFailure {@link JOB_NOT_RECORDED} (benign) while no job with that id can be found.
   */
  readonly deliverToJob: (
    request: WebhookDeliveryRequest,
  ) => Promise<{ readonly outcome: 'delivered' | 'late'; readonly jobWorkflowId: string }>;
}

/** `type` of the benign failure by which a delivery says "no such job yet": its submit may still be under way. */
export const JOB_NOT_RECORDED = 'JobNotRecorded';
