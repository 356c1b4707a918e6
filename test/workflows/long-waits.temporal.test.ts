import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import {
  createAdmissionActivities,
  createReadActivities,
  createSubmitActivities,
  openInputFile,
} from '../../src/activities/index.ts';
import { createPlaybookClient } from '../../src/client/index.ts';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import { laneOf, readQueue, submitQueue, WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { eventCount } from '../helpers/histories.ts';
import { errorOf } from '../helpers/outcomes.ts';
import { fail, RUNNING, DONE, scriptedService, type Script } from '../helpers/scripted.ts';
import { createTestWorker, createTimeSkippingEnvironment, unique } from '../helpers/temporal.ts';

const HOUR_MS = 3_600_000;
const slow = scriptedService({
  service: 'slow',
  config: 'polling: { grace_ms: 60000, initial_ms: 30000, factor: 1.5, max_ms: 240000 }\ndeadline_ms: 86400000',
});
const lane = laneOf('slow', 'live');

/** Without gate: its holder is an activity that never ends, and while one runs no time is skipped. */
describe('a job that takes days', () => {
  let env: TestWorkflowEnvironment;
  let workers: Worker[];
  let running: Promise<unknown>;

  beforeAll(async () => {
    env = await createTimeSkippingEnvironment();
    const connection = env.nativeConnection;
    const io = {
      services: { get: () => slow.runtime, has: () => false },
      readControl: async () => ({ ...INITIAL_CONTROL, enabled: true }),
      now: Date.now,
      random: Math.random,
    };
    workers = await Promise.all([
      createTestWorker({ connection, taskQueue: WORKFLOW_QUEUE, activities: { ...createAdmissionActivities(io) } }),
      Worker.create({
        connection,
        taskQueue: submitQueue(lane),
        activities: { ...createSubmitActivities({ ...io, openInputFile }) },
      }),
      Worker.create({ connection, taskQueue: readQueue(lane), activities: { ...createReadActivities(io) } }),
    ]);
    running = Promise.all(workers.map((worker) => worker.run()));
  });
  afterAll(async () => {
    for (const worker of workers) worker.shutdown();
    await running;
    await env.teardown();
  });

  async function run(script: Script) {
    const key = unique('job');
    slow.script(key, script);
    const job = await createPlaybookClient(env.client).start(slow.integration, { text: 'work' }, { key });
    return { key, outcome: await job.result(), events: await eventCount(env.client, job.workflowId) };
  }

  it('ends at its deadline of 24 h, polled all the while, and is canceled at the service', async () => {
    const { key, outcome, events } = await run({});
    expect(outcome).toMatchObject({ state: 'FAILED', externalId: `x-${key}~1` });
    expect(errorOf(outcome)).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('slow was told and reports STOPPED.'),
    });
    const kinds = slow.requests(key);
    expect(kinds.filter((kind) => kind === 'poll').length).toBeGreaterThan(100);
    expect(kinds.at(-1)).toBe('cancel');
    expect((outcome as { latencyMs: number }).latencyMs).toBeGreaterThanOrEqual(24 * HOUR_MS - 60_000);
    expect(events).toBeLessThanOrEqual(40);
  });

  it('comes back after each hour the service asks for, and uses up no attempt', async () => {
    const { key, outcome } = await run({
      submit: (nth) =>
        nth <= 5 ? fail({ code: 'THROTTLED', arrival: 'refused', throttled: true, retryAfterMs: HOUR_MS }) : RUNNING,
      poll: () => DONE,
    });
    expect(outcome).toMatchObject({ state: 'COMPLETED' });
    expect((outcome as { latencyMs: number }).latencyMs).toBeGreaterThanOrEqual(5 * HOUR_MS);
    expect(slow.requests(key)).toEqual([...Array.from({ length: 6 }, () => 'submit'), 'poll']);
  });

  it('has the same history after 3 polls as after 300', async () => {
    const few = await run({ poll: (nth) => (nth < 3 ? RUNNING : DONE) });
    const many = await run({ poll: (nth) => (nth < 300 ? RUNNING : DONE) });
    expect(few.outcome).toMatchObject({ state: 'COMPLETED', polls: 3 });
    expect(many.outcome).toMatchObject({ state: 'COMPLETED', polls: 300 });
    expect(few.events).toBeLessThanOrEqual(28);
    expect(many.events).toBe(few.events);
  });

  it('is lost to nobody while its service is away for hours', async () => {
    const { outcome } = await run({
      poll: (nth) => (nth <= 40 ? fail({ throttled: true, arrival: 'never', message: 'connection refused' }) : DONE),
    });
    expect(outcome).toMatchObject({ state: 'COMPLETED', polls: 41 });
  });
});
