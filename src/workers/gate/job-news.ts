import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { listParts, partsQuery } from '../../client/batch-parts.ts';
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
  const single = (await client.workflow.count(query.join(' AND '))).count;
  return single + (route === 'live' ? await countPolledInBatches(client, service, nowMs - graceMs) : 0);
}

async function countPolledInBatches(client: Client, service: string, untilMs: number): Promise<number> {
  let polled = 0;
  const running = ` AND ExecutionStatus = 'Running' AND StartTime <= '${new Date(untilMs).toISOString()}'`;
  for await (const { memo } of listParts(client, partsQuery(service, undefined, running)))
    polled += memo.counts.PROCESSING;
  return polled;
}

/** Tells a job what the service's list says of it. A job that is over, or none of ours, needs no news. */
export async function tellJob(client: Client, workflowId: string, hint: WebhookHint): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).signal<[WebhookHint]>(WEBHOOK_SIGNAL, hint);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
