import type { Client } from '@temporalio/client';
import { decodePayload } from './decode-payload.ts';
import { translating } from './errors.ts';

/** The argument a workflow run was started with, read from the first event of its history. */
export async function firstArgument<Argument>(client: Client, workflowId: string, runId: string): Promise<Argument> {
  const { history } = await translating(() =>
    client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    }),
  );
  const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  if (!payload) throw new TypeError(`Workflow run ${workflowId}/${runId} has no argument`);
  return decodePayload<Argument>(client, payload);
}
