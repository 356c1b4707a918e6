import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { WORKFLOW_QUEUE } from '../../contracts/queues.ts';
import type { Access } from './access.ts';

const { TASK_QUEUE_TYPE_WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;

/** Whether any worker has polled for jobs lately. */
export async function hasWorker(client: Client): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: WORKFLOW_QUEUE },
    taskQueueType: TASK_QUEUE_TYPE_WORKFLOW,
  });
  return pollers.length > 0;
}

/** Says so where jobs will wait for a worker: with parts of our own there is one. */
export async function tellWithoutWorker({ kind, client }: Access, tell: (note: string) => void): Promise<void> {
  if (kind === 'external' && !(await hasWorker(client))) {
    tell('No worker is polling there yet: jobs wait until one is (`playbook worker`).');
  }
}
