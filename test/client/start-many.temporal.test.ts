import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WorkflowNotFoundError } from '@temporalio/client';
import { createPartReader } from '../../src/client/batch-pages.ts';
import type { BatchItem } from '../../src/client/index.ts';
import { batchWorkflowId, JOB_BATCH_WORKFLOW, type BatchInput } from '../../src/contracts/batch.ts';
import type { JobOutcome } from '../../src/contracts/jobs.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { DONE, RUNNING, scriptedService } from '../helpers/scripted.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const service = scriptedService({ service: 'feeding' });
const { integration } = service;
let bench: JobBench;

beforeAll(async () => {
  bench = await startJobBench([service.runtime]);
});
afterAll(() => bench.close());

type Item = BatchItem<{ text: string }>;
const item = (key: string): Item => ({ key, input: { text: key } });
/** Jobs that go on until `isOver`. */
function jobs(name: string, count: number, isOver: (nth: number) => boolean = () => true): Item[] {
  return Array.from({ length: count }, (_, nth) => {
    const key = `${name}-${nth}`;
    service.script(key, { poll: () => (isOver(nth) ? DONE : RUNNING) });
    return item(key);
  });
}

async function all(results: AsyncIterable<JobOutcome<unknown>>): Promise<JobOutcome<unknown>[]> {
  const outcomes: JobOutcome<unknown>[] = [];
  for await (const outcome of results) outcomes.push(outcome);
  return outcomes;
}
const ends = (outcomes: readonly JobOutcome<unknown>[]) =>
  Object.fromEntries(outcomes.map(({ key, state, error }) => [key, error?.code ?? state]));

describe('feeding a batch', () => {
  it('takes no more from its source than there is room for', async () => {
    const name = unique('room').slice(0, 40);
    let isReleased = false;
    let taken = 0;
    async function* source(): AsyncGenerator<Item, void> {
      for (const one of jobs(name, 12, () => isReleased)) {
        await Promise.resolve();
        taken += 1;
        yield one;
      }
    }
    const batch = bench.playbook.startMany(integration, source(), { name, jobsPerPart: 2, maxOpenJobs: 4 });
    await until('four are at the service', async () => (await batch.progress()).PROCESSING === 4);
    // Two parts, the next one that waits for room, and the job that showed that it is full.
    expect(taken).toBeLessThanOrEqual(7);
    expect(await batch.progress()).toMatchObject({ jobs: 4, complete: false });
    isReleased = true;
    expect(await all(batch.results())).toHaveLength(12);
    expect(await batch.fed).toEqual({ jobs: 12 });
  });

  it('ends with the error of its source; what was accepted goes on', async () => {
    const name = unique('broken').slice(0, 40);
    function* source(): Generator<Item, void> {
      yield* jobs(name, 5);
      throw new Error('The file is gone.');
    }
    const batch = bench.playbook.startMany(integration, source(), { name, jobsPerPart: 2 });
    await expect(batch.fed).rejects.toThrow('The file is gone.');
    await expect(all(batch.results())).rejects.toThrow('The file is gone.');
    expect(ends(await all(bench.playbook.batch(integration, name).results()))).toEqual(
      Object.fromEntries([0, 1, 2, 3].map((nth) => [`${name}-${nth}`, 'COMPLETED'])),
    );
  });

  it('stops at a bad key, or tells of it and goes on', async () => {
    const name = unique('keys').slice(0, 40);
    const [first, second] = jobs(name, 2) as [Item, Item];
    const items = [first, item('no key'), { ...first, input: { text: 'other' } }, first, second];
    const strict = bench.playbook.startMany(integration, items, { name: `${name}-strict` });
    await expect(strict.fed).rejects.toMatchObject({ code: 'INVALID_KEY' });
    const refused: string[] = [];
    const batch = bench.playbook.startMany(integration, items, {
      name,
      onRefused: ({ key }, { code }) => refused.push(`${key}: ${code}`),
    });
    expect(await batch.fed).toEqual({ jobs: 2 });
    expect(refused).toEqual(['no key: INVALID_KEY', `${first.key}: IDEMPOTENCY_KEY_REUSED`]);
    expect(await all(batch.results())).toHaveLength(2);
  });

  it('accepts no more once it is canceled', async () => {
    const name = unique('stop').slice(0, 40);
    let taken = 0;
    function* source(): Generator<Item, void> {
      for (const one of jobs(name, 50, () => false)) {
        taken += 1;
        yield one;
      }
    }
    const batch = bench.playbook.startMany(integration, source(), { name, jobsPerPart: 1, maxOpenJobs: 2 });
    await until('two are at the service', async () => (await batch.progress()).PROCESSING === 2);
    await batch.cancel();
    const { jobs: accepted } = await batch.fed;
    expect(accepted).toBe(2);
    expect(taken).toBeLessThan(5);
    const outcomes = await all(batch.results());
    expect(outcomes).toHaveLength(accepted);
    expect(outcomes.slice(0, 2).map(({ state }) => state)).toEqual(['CANCELED', 'CANCELED']);
  });
});

describe('a batch that began a moment ago', () => {
  it('is counted and canceled before visibility has it', async () => {
    const name = unique('fresh').slice(0, 40);
    const batch = bench.playbook.startMany(
      integration,
      jobs(name, 6, () => false),
      { name, jobsPerPart: 2 },
    );
    await batch.fed;
    expect((await batch.progress()).jobs).toBeGreaterThan(0);
    await batch.cancel();
    expect(new Set((await all(batch.results())).map(({ state }) => state))).toEqual(new Set(['CANCELED']));
  });
});

describe('the results of a batch whose workflow was ended', () => {
  const LOST = 'The workflow of its batch ended before the job did: ';

  it('are those that were there, and TERMINATED for the others, each once', async () => {
    const name = unique('killed').slice(0, 40);
    const batch = bench.playbook.startMany(
      integration,
      jobs(name, 4, (nth) => nth < 2),
      { name },
    );
    const workflowId = batchWorkflowId({ service: 'feeding', name, part: 0 });
    const outcomes: JobOutcome<unknown>[] = [];
    for await (const outcome of batch.results()) {
      outcomes.push(outcome);
      if (outcomes.length !== 2) continue;
      await until('visibility has two', async () => (await batch.progress()).COMPLETED === 2);
      await bench.temporal.workflow.getHandle(workflowId).terminate('to see');
    }
    expect(ends(outcomes)).toEqual({
      [`${name}-0`]: 'COMPLETED',
      [`${name}-1`]: 'COMPLETED',
      [`${name}-2`]: 'TERMINATED',
      [`${name}-3`]: 'TERMINATED',
    });
    expect(outcomes).toHaveLength(4);
    expect(outcomes[3]).toMatchObject({
      externalId: null,
      workflowId,
      error: { message: expect.stringContaining(LOST) },
    });
    await until('visibility knows', async () => (await batch.progress()).closedMs !== null);
    expect(await batch.progress()).toMatchObject({
      COMPLETED: 2,
      FAILED: 2,
      errors: { TERMINATED: 2 },
      complete: true,
    });
    // What the workflow alone knew is gone with it: whoever reads only now is told TERMINATED of all.
    const later = await all(bench.playbook.batch(integration, name).results());
    expect(later.map(({ error }) => error?.code)).toEqual(Array.from({ length: 4 }, () => 'TERMINATED'));
  });

  it('hold what earlier runs left', async () => {
    const name = unique('pages').slice(0, 40);
    const items = jobs(name, 3, (nth) => nth < 2);
    const input: BatchInput = { service: 'feeding', name, part: 0, jobs: items, pageBytes: 500 };
    const workflowId = batchWorkflowId(input);
    await bench.temporal.workflow.start(JOB_BATCH_WORKFLOW, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input] });
    const handle = bench.temporal.workflow.getHandle(workflowId);
    const { runId: first } = await handle.describe();
    await until('it continued', async () => (await handle.describe()).runId !== first);
    await handle.terminate('to see');
    expect(ends(await all(bench.playbook.batch(integration, name).results()))).toEqual({
      [`${name}-0`]: 'COMPLETED',
      [`${name}-1`]: 'COMPLETED',
      [`${name}-2`]: 'TERMINATED',
    });
  });

  it('say INTERNAL where nobody ended it, also without a worker', async () => {
    const name = unique('late').slice(0, 40);
    const input: BatchInput = { service: 'feeding', name, part: 0, jobs: [item(`${name}-0`)] };
    await bench.temporal.workflow.start(JOB_BATCH_WORKFLOW, {
      workflowId: batchWorkflowId(input),
      taskQueue: unique('nobody'),
      args: [input],
      workflowRunTimeout: '3s',
    });
    const [outcome] = await all(bench.playbook.batch(integration, name).results());
    expect(outcome).toMatchObject({ key: `${name}-0`, state: 'FAILED', error: { code: 'INTERNAL' } });
    expect(outcome?.error?.message).toContain(LOST);
  });

  it('are none of a batch nobody started', async () => {
    expect(await all(bench.playbook.batch(integration, 'nothing').results())).toEqual([]);
    const reader = createPartReader(bench.temporal, { service: 'feeding', name: 'nothing', part: 0 });
    await expect(reader.next()).rejects.toBeInstanceOf(WorkflowNotFoundError);
  });
});
