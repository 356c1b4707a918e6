import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { EXTERNAL_JOB_WORKFLOW, WEBHOOK_SIGNAL } from '../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { JOB_NOT_RECORDED } from '../contracts/webhook-delivery.ts';
import type { WebhookDeliveryActivities } from '../contracts/webhook-delivery.ts';

/** Delivers events whose job is known only by the service's own id. They use the client of the worker that runs them. */
export function createWebhookDeliveryActivities(): WebhookDeliveryActivities {
  return {
    deliverToJob: async ({ service, externalId, hint }) => {
      const { client } = Context.current();
      const job = await findJob(client, service, externalId);
      if (!job) {
        throw ApplicationFailure.create({
          type: JOB_NOT_RECORDED,
          message: `No job of ${service} has external id ${externalId} yet. Its submit may still be under way.`,
          category: 'BENIGN',
        });
      }
      if (!job.running) return { outcome: 'late', jobWorkflowId: job.workflowId };
      try {
        await client.workflow.getHandle(job.workflowId, job.runId).signal(WEBHOOK_SIGNAL, hint);
        return { outcome: 'delivered', jobWorkflowId: job.workflowId };
      } catch (error) {
        // It ended since visibility saw it.
        if (error instanceof WorkflowNotFoundError) return { outcome: 'late', jobWorkflowId: job.workflowId };
        throw error;
      }
    },
  };
}

interface FoundJob {
  readonly workflowId: string;
  readonly runId: string;
  readonly running: boolean;
}

/** The running job with that id, else one that ended; `undefined` when visibility knows none. */
async function findJob(client: Client, service: string, externalId: string): Promise<FoundJob | undefined> {
  const query = [
    `WorkflowType = '${EXTERNAL_JOB_WORKFLOW}'`,
    `${SEARCH_ATTRIBUTES.service.name} = ${quoted(service)}`,
    `${SEARCH_ATTRIBUTES.externalId.name} = ${quoted(externalId)}`,
  ].join(' AND ');
  let ended: FoundJob | undefined;
  for await (const { workflowId, runId, status } of client.workflow.list({ query, pageSize: 10 })) {
    const found = { workflowId, runId, running: status.name === 'RUNNING' };
    if (found.running) return found;
    ended ??= found;
  }
  return ended;
}

/** A text in a visibility query. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
