import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { isCancellation, proxyActivities, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { ErrorCode } from '../contracts/errors.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type {
  WebhookDeliveryActivities,
  WebhookDeliveryRequest,
  WebhookDeliveryResult,
} from '../contracts/webhook-delivery.ts';

/**
 * One event whose job is known only by the service's own id: look the job up, signal it. When no job turns up in time the workflow
 * fails as WEBHOOK_UNDELIVERABLE: a dead letter, which the Web UI lists among the failed.
 */
export async function webhookDelivery(request: WebhookDeliveryRequest): Promise<WebhookDeliveryResult> {
  const { service, externalId, discard } = request;
  if (discard) return { outcome: 'discarded', ...discard };
  const { deliverToJob } = proxyActivities<WebhookDeliveryActivities>({
    summary: `Find the job with external id ${externalId} and signal it`,
    startToCloseTimeout: '15s',
    scheduleToCloseTimeout: request.searchMs,
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '1m' },
  });
  setCurrentDetails(`Looking for the job of ${service} with external id \`${externalId}\`.`);
  try {
    return await deliverToJob(request);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    throw undeliverable(request, error);
  }
}

function undeliverable({ service, externalId }: WebhookDeliveryRequest, cause: ActivityFailure): ApplicationFailure {
  const code: ErrorCode = 'WEBHOOK_UNDELIVERABLE';
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.errorCode, value: code }]);
  setCurrentDetails(`Dead letter. \`playbook webhooks dead-letters retry\` or \`discard\` decides what becomes of it.`);
  return ApplicationFailure.create({
    type: code,
    message: `No job of ${service} with external id ${externalId} was found in time.`,
    nonRetryable: true,
    cause,
  });
}
