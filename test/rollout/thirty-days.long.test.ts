import { activityInfo } from '@temporalio/activity';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { commandRollout } from '../../src/client/index.ts';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { rolloutWorkflowId } from '../../src/contracts/rollout.ts';
import type { RolloutResult } from '../../src/rules/rollout/messages.ts';
import { DEFAULT_PLAN, type RolloutPlan } from '../../src/rules/rollout/plan.ts';
import { createPrng } from '../../src/sandbox/prng.ts';
import { createTestWorker, createTimeSkippingEnvironment } from '../helpers/temporal.ts';
import { inputFor, WHO } from '../rules/rollout/fixtures.ts';
import { simulate } from './lab/simulated-watch.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SERVICE = 'patient';

/** Stages and watchers of the default plan over thirty days: four for each, six for the bake. Fewer jobs than 405 suffice. */
const PLAN: RolloutPlan = {
  ...DEFAULT_PLAN,
  bakeMs: 6 * DAY_MS,
  stages: DEFAULT_PLAN.stages.map((stage) => ({
    ...stage,
    minSamples: 50,
    minSoakMs: 4 * DAY_MS,
    confidence: { alpha: 0.1, beta: 0.1, phi: { floor: 1, ceiling: 1 } },
  })),
};

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await createTimeSkippingEnvironment();
});
afterAll(() => env.teardown());

it('stays below 10,000 history events a run over 30 days of its own watching', async () => {
  const random = createPrng(30);
  const beganMs = await env.currentTimeMs();
  // 30 jobs a day at random; on the 12th day one every two seconds for two hours, which is news all the time.
  const isBusy = (ms: number): boolean => ms - beganMs > 12 * DAY_MS && ms - beganMs < 12 * DAY_MS + 2 * HOUR_MS;
  const next = (ms: number): number => ms + (isBusy(ms) ? 2_000 : 1 - Math.log(1 - random()) * (DAY_MS / 30));
  const simulation = simulate(
    () => env.currentTimeMs(),
    beganMs,
    (ms) => Math.round(next(ms)),
  );
  const { watchStage } = simulation.activities;
  const runs = new Set<string>();
  let watched = 0;
  const worker = await createTestWorker({
    connection: env.nativeConnection,
    taskQueue: WORKFLOW_QUEUE,
    activities: {
      ...simulation.activities,
      notify: async () => 'unaddressed',
      watchStage: async (request: Parameters<typeof watchStage>[0]) => {
        const answer = await watchStage(request);
        watched += 1;
        runs.add(activityInfo().workflowExecution?.runId ?? '');
        // Whoever has to agree does so when the watch tells of itself.
        if (request.stage.approval && request.guardOnly) await commandRollout(env.client, SERVICE, 'approve', WHO);
        return answer;
      },
    },
  });
  const id = rolloutWorkflowId(SERVICE);
  const ended = await worker.runUntil(async () => {
    const args = [inputFor(SERVICE, INITIAL_CONTROL, PLAN)];
    const handle = await env.client.workflow.start('rollout', { workflowId: id, taskQueue: WORKFLOW_QUEUE, args });
    return (await handle.result()) as RolloutResult;
  });
  const lengths: number[] = [];
  for (const run of runs) lengths.push((await env.client.workflow.getHandle(id, run).describe()).historyLength);
  expect(ended).toMatchObject({ phase: 'done', because: 'Every stage has passed.' });
  const tookMs = (ended.log.at(-1)?.atMs ?? 0) - (ended.log[0]?.atMs ?? 0);
  expect(tookMs).toBeGreaterThanOrEqual(30 * DAY_MS);
  expect(simulation.control()).toMatchObject({ weightBps: 10_000 });
  // It has looked, told of what it saw, and begun anew.
  expect(watched).toBeGreaterThan(1_500);
  expect(lengths.length).toBeGreaterThan(4);
  expect(lengths.reduce((sum, length) => sum + length)).toBeGreaterThan(5 * watched);
  expect(Math.max(...lengths)).toBeLessThan(10_000);
}, 600_000);
