import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { WorkflowContinuedAsNewError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { changeControl, readChanges, readControl } from '../../src/client/index.ts';
import { INITIAL_CONTROL, INTEGRATION_WORKFLOW, integrationWorkflowId } from '../../src/contracts/control.ts';
import type { IntegrationInput } from '../../src/contracts/control.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { createLimit } from '../../src/cli/limit.ts';
import { eventTypes, recordHistory } from '../helpers/histories.ts';
import { terminateAll } from '../helpers/job-worker.ts';
import { connectToServer, createTestWorker, testNamespace } from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';

const WHY = { actor: 'alice@ops', reason: 'a test' };
let server: TestServer;
let client: Client;
let stopWorker: () => Promise<void>;

async function startWorker(): Promise<() => Promise<void>> {
  const worker = await createTestWorker({
    connection: server.nativeConnection,
    namespace: testNamespace(),
    taskQueue: WORKFLOW_QUEUE,
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
  };
}

beforeAll(async () => {
  server = await connectToServer(undefined, testNamespace());
  client = server.client;
  stopWorker = await startWorker();
});

afterEach(() => terminateAll(client));

afterAll(async () => {
  await stopWorker();
  await server.close();
});

/** Starts the control state of a service whose runs end after so many changes. */
async function startIntegration(service: string, changesPerRun: number): Promise<void> {
  const input: IntegrationInput = { service, changesPerRun };
  await client.workflow.start<(input: IntegrationInput) => Promise<never>>(INTEGRATION_WORKFLOW, {
    workflowId: integrationWorkflowId(service),
    taskQueue: WORKFLOW_QUEUE,
    args: [input],
    memo: { control: INITIAL_CONTROL },
  });
}

describe('the control state of an integration', () => {
  it('is off until somebody enables it, and starts with the first change', async () => {
    await expect(readControl(client, 'fresh')).resolves.toEqual(INITIAL_CONTROL);
    const state = await changeControl(client, 'fresh', 'enable', WHY);
    expect(state).toMatchObject({ enabled: true, revision: 1, changed: { ...WHY, what: 'enabled' } });
    await expect(readControl(client, 'fresh')).resolves.toEqual(state);
  });

  it('is mirrored in the memo by the time a change is answered, each time, and kept there without a worker', async () => {
    for (let n = 1; n <= 20; n += 1) {
      await changeControl(client, 'mirrored', 'setWeight', { ...WHY, weightBps: n });
      await expect(readControl(client, 'mirrored')).resolves.toMatchObject({ weightBps: n, revision: n });
    }
    await stopWorker();
    try {
      await expect(readControl(client, 'mirrored')).resolves.toMatchObject({ weightBps: 20, revision: 20 });
      await expect(changeControl(client, 'mirrored', 'enable', WHY, { timeoutMs: 1_500 })).rejects.toMatchObject({
        code: 'NO_WORKER',
        message: expect.stringContaining('within 1.5 s; the control state is at revision 20.'),
      });
    } finally {
      stopWorker = await startWorker();
    }
  });

  it('refuses a change that was decided on an earlier revision, naming both, and a wrong value; neither leaves a trace', async () => {
    await changeControl(client, 'stale', 'enable', WHY);
    await changeControl(client, 'stale', 'disable', { ...WHY, expectedRevision: 1 });
    const events = await eventTypes(client, integrationWorkflowId('stale'));
    await expect(changeControl(client, 'stale', 'enable', { ...WHY, expectedRevision: 1 })).rejects.toMatchObject({
      code: 'STALE_REVISION',
      message: 'The change expects revision 1; the control state is at 2. Read it again, then decide.',
    });
    await expect(changeControl(client, 'stale', 'setWeight', { ...WHY, weightBps: -1 })).rejects.toMatchObject({
      code: 'INVALID_CHANGE',
      message: 'weightBps must be a whole number from 0 to 10000 (got -1).',
    });
    await expect(readControl(client, 'stale')).resolves.toMatchObject({ enabled: false, revision: 2 });
    await expect(eventTypes(client, integrationWorkflowId('stale'))).resolves.toEqual(events);
  });

  it('loses none of 100 changes made at once while its runs end after every second one, and its history has all of them', async () => {
    await startIntegration('busy', 2);
    const limit = createLimit(8);
    const changes = Array.from({ length: 100 }, (_, n) =>
      limit(() => changeControl(client, 'busy', 'setWeight', { actor: `actor-${n}`, reason: 'at once', weightBps: n })),
    );
    const states = await Promise.all(changes);
    const revisions = states.map(({ revision }) => revision).toSorted((a, b) => a - b);
    expect(revisions).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    await expect(readControl(client, 'busy')).resolves.toEqual(states.find(({ revision }) => revision === 100));

    const history = await readChanges(client, 'busy');
    expect(history.map(({ revision }) => revision)).toEqual(Array.from({ length: 100 }, (_, n) => 100 - n));
    expect(new Set(history.map(({ actor }) => actor)).size).toBe(100);
    const runs = await client.workflow.count(`WorkflowId = '${integrationWorkflowId('busy')}'`);
    expect(runs.count).toBeGreaterThan(20);
  });

  it('keeps a history of every kind of change that replays', async () => {
    const service = 'recorded';
    await startIntegration(service, 7);
    await changeControl(client, service, 'enable', WHY);
    await changeControl(client, service, 'setWeight', { ...WHY, weightBps: 1_000, stage: 'canary' });
    await changeControl(client, service, 'setBudget', { ...WHY, budget: { hourlyMicros: 5_000_000 } });
    await changeControl(client, service, 'allow', { ...WHY, units: ['tenant-1'] });
    await changeControl(client, service, 'deny', { ...WHY, units: ['tenant-2'] });
    const state = await changeControl(client, service, 'disable', WHY);
    expect(state).toEqual({
      enabled: false,
      weightBps: 1_000,
      stage: 'canary',
      salt: 'r1',
      allow: ['tenant-1'],
      deny: ['tenant-2'],
      budget: { hourlyMicros: 5_000_000 },
      revision: 6,
      changed: { ...WHY, what: 'disabled', atMs: expect.any(Number) },
    });
    const { runId } = await client.workflow.getHandle(integrationWorkflowId(service)).describe();
    await changeControl(client, service, 'enable', WHY);
    const ended = client.workflow.getHandle(integrationWorkflowId(service), runId, { followRuns: false });
    await expect(ended.result()).rejects.toBeInstanceOf(WorkflowContinuedAsNewError);
    await expect(readControl(client, service)).resolves.toMatchObject({ enabled: true, revision: 7, stage: 'canary' });
    await recordHistory(client, integrationWorkflowId(service), 'control-changes', runId);
  });
});
