import { expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { createPlaybookClient } from '../../src/client/index.ts';
import type { SubmitActivities, ReadActivities } from '../../src/contracts/activities.ts';
import type { Admission } from '../../src/contracts/jobs.ts';
import { laneOf, readQueue, submitQueue, WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { errorOf } from '../helpers/outcomes.ts';
import { scriptedService } from '../helpers/scripted.ts';
import { connectToServer, createTestWorker, testNamespace, unique } from '../helpers/temporal.ts';

const SERVICE = 'vanishing';
const lane = laneOf(SERVICE, 'live');
const { integration } = scriptedService({ service: SERVICE });

const admitted: Admission = {
  admitted: true,
  route: 'live',
  revision: 1,
  reason: 'a test',
  policy: {
    deadlineMs: 1_500,
    submit: { attemptTimeoutMs: 10_000, heartbeatTimeoutMs: 500 },
    poll: { graceMs: 0, attemptTimeoutMs: 1_000 },
    cancelTimeoutMs: 10_000,
    prices: { perJobMicros: 0, perRequestMicros: 0 },
  },
};

it('a submit whose attempts vanish without a heartbeat may have arrived: the service is told to cancel the job', async () => {
  const namespace = testNamespace();
  const { client, nativeConnection: connection, close } = await connectToServer(undefined, namespace);
  const over = new AbortController();
  const submits: Pick<SubmitActivities, 'submitJob'> = {
    // As a worker does that was killed with its request under way: it never says another word.
    submitJob: () => new Promise((_, reject) => over.signal.addEventListener('abort', () => reject(new Error('over')))),
  };
  const canceled: unknown[] = [];
  const reads: Pick<ReadActivities, 'cancelJob'> = {
    cancelJob: async (request) => {
      canceled.push(request.externalId);
      return { externalId: null, observation: null };
    },
  };
  const options = { connection, namespace };
  const workers = await Promise.all([
    createTestWorker({ ...options, taskQueue: WORKFLOW_QUEUE, activities: { admit: async () => admitted } }),
    Worker.create({ ...options, taskQueue: submitQueue(lane), activities: { ...submits }, shutdownGraceTime: 0 }),
    Worker.create({ ...options, taskQueue: readQueue(lane), activities: { ...reads } }),
  ]);
  const runs = workers.map((worker) => worker.run());
  const job = await createPlaybookClient(client).start(integration, { text: 'work' }, { key: unique('job') });
  const error = errorOf(await job.result({ maxWaitMs: 20_000 }));
  over.abort();
  for (const worker of workers) worker.shutdown();
  await Promise.all(runs);
  await close();
  expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(error.message).toContain(`A request may have reached ${SERVICE}.`);
  expect(canceled).toEqual([null]);
}, 60_000);
