import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { WebhookHint } from '../../contracts/jobs.ts';
import { EXTERNAL_JOB_WORKFLOW, WEBHOOK_SIGNAL } from '../../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import type { Route } from '../../contracts/states.ts';

/** Counts the jobs the service is working on whose webhook has had its time: those are polled for. */
export async function countPolled(
  client: Client,
  { service, route, graceMs }: { readonly service: string; readonly route: Route; readonly graceMs: number },
  nowMs: number,
): Promise<number> {
  const { service: serviceKey, route: routeKey, state } = SEARCH_ATTRIBUTES;
  const query = [
    `WorkflowType = '${EXTERNAL_JOB_WORKFLOW}'`,
    `ExecutionStatus = 'Running'`,
    `${serviceKey.name} = '${service}'`,
    `${routeKey.name} = '${route}'`,
    `${state.name} = 'PROCESSING'`,
    `StartTime <= '${new Date(nowMs - graceMs).toISOString()}'`,
  ];
  return (await client.workflow.count(query.join(' AND '))).count;
}

/** Tells a job what the service's list says of it. A job that is over, or none of ours, needs no news. */
export async function tellJob(client: Client, workflowId: string, hint: WebhookHint): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).signal<[WebhookHint]>(WEBHOOK_SIGNAL, hint);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
