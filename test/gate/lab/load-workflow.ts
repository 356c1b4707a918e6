import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SubmitActivities } from '../../../src/contracts/activities.ts';
import { submitQueue } from '../../../src/contracts/queues.ts';

/** What one load workflow does. */
export interface Load {
  readonly service: string;
  readonly count: number;
  readonly unit: string;
}

/** Submits many jobs at once and forgets them: load for a gate that costs the server little. */
export async function load({ service, count, unit }: Load): Promise<number> {
  const { submitJob } = proxyActivities<SubmitActivities>({
    taskQueue: submitQueue(service),
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: '5s',
    allowEagerDispatch: false,
    retry: { initialInterval: '1s' },
  });
  const { workflowId } = workflowInfo();
  const deadlineAtMs = Date.now() + 3_600_000;
  const submits = Array.from({ length: count }, (_, nth) =>
    submitJob({
      service,
      key: `${workflowId}-${nth}`,
      generation: 1,
      unit,
      input: {},
      route: 'live',
      revision: 0,
      deadlineAtMs,
    }),
  );
  return (await Promise.all(submits)).length;
}
