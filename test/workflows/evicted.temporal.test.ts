import { expect, it } from '@jest/globals';
import { changeControl } from '../../src/client/index.ts';
import { INITIAL_CONTROL, integrationWorkflowId } from '../../src/contracts/control.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { eventTypes } from '../helpers/histories.ts';
import { terminateAll } from '../helpers/job-worker.ts';
import { connectToServer, createTestWorker, testNamespace } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const WHO = { actor: 'ana', reason: 'a test' };
const SERVICE = 'forgotten';

it('a control state that no worker has in memory takes a leased weight, and what comes after', async () => {
  const namespace = testNamespace();
  const { client, nativeConnection, close } = await connectToServer(undefined, namespace);
  const worker = await createTestWorker({
    connection: nativeConnection,
    namespace,
    taskQueue: WORKFLOW_QUEUE,
    maxCachedWorkflows: 0,
  });
  await worker.runUntil(async () => {
    const workflowId = integrationWorkflowId(SERVICE);
    await client.workflow.start('integration', {
      workflowId,
      taskQueue: WORKFLOW_QUEUE,
      args: [{ service: SERVICE }],
      memo: { control: INITIAL_CONTROL },
    });
    // As after a continue-as-new: its first task has nothing to do.
    await until('its first task', async () => (await eventTypes(client, workflowId)).length === 4);
    const lease = { holder: 'r', untilMs: Date.now() + 600_000, safeWeightBps: 0, safeAllow: [] };
    await changeControl(client, SERVICE, 'setWeight', { ...WHO, weightBps: 1_000, stage: 'r:tenth', lease });
    const safe = await changeControl(client, SERVICE, 'setWeight', { ...WHO, weightBps: 0 });
    expect(safe).toMatchObject({ weightBps: 0, revision: 2 });
    expect(safe.lease).toBeUndefined();
    const types = (await eventTypes(client, workflowId)).filter((type) => !type.startsWith('WORKFLOW_TASK'));
    expect(types.slice(1, 5)).toEqual([
      'WORKFLOW_EXECUTION_UPDATE_ACCEPTED',
      'WORKFLOW_PROPERTIES_MODIFIED',
      'WORKFLOW_EXECUTION_UPDATE_COMPLETED',
      'TIMER_STARTED',
    ]);
    await terminateAll(client);
  });
  await close();
}, 60_000);
