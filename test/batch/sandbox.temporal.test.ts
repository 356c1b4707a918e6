import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { findBatchJobs, readJobCosts } from '../../src/client/index.ts';
import { batchWorkflowId, JOB_BATCH_WORKFLOW, type BatchInput } from '../../src/contracts/batch.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { eventTypes, recordHistory } from '../helpers/histories.ts';
import { startStack, type Stack } from '../helpers/stack.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const COUNT = 80;

async function documents(stack: Stack, name: string, count: number) {
  const made: { key: string; input: Awaited<ReturnType<Stack['document']>> }[] = [];
  for (let nth = 0; nth < count; nth += 1) {
    made.push({ key: `${name}-${nth}`, input: await stack.document(`${name}-${nth}.txt`, `text ${nth}`) });
  }
  return made;
}

describe('a batch at the sandbox', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ sandbox: { limit: { rate: 1_000 }, processing: { minMs: 20, maxMs: 300 } } });
  });
  afterAll(() => stack.close());

  it('ends every job once by webhooks, also when some are lost, repeated, refused or answered 5xx', async () => {
    const name = unique('hooks').slice(0, 30);
    const jobs = await documents(stack, name, COUNT);
    stack.sandbox.faults({
      rules: [
        { kind: 'error', method: 'POST', path: '/v3/jobs', status: 503, count: 4 },
        { kind: 'error', at: 'after', method: 'POST', path: '/v3/jobs', status: 500, count: 2 },
      ],
    });
    const batch = stack.playbook.startMany(docproc, jobs, { name, unit: name, jobsPerPart: 50 });
    const texts = new Map<string, string | undefined>();
    for await (const { key, state, result } of batch.results()) {
      expect(state).toBe('COMPLETED');
      expect(texts.has(key)).toBe(false);
      texts.set(key, result?.text);
    }
    expect(texts).toEqual(new Map(jobs.map(({ key }, nth) => [key, `text ${nth}`])));
    const accepted = stack.sandbox.requests({ accepted: true }).filter(({ replayed }) => !replayed);
    expect(new Set(accepted.map(({ key }) => key)).size).toBe(accepted.length);
    expect(accepted).toHaveLength(COUNT);
    // Webhooks came in groups: fewer signals than jobs.
    const workflowId = batchWorkflowId({ service: 'docproc', name, part: 0 });
    const signals = (await eventTypes(stack.temporal, workflowId)).filter(
      (type) => type === 'WORKFLOW_EXECUTION_SIGNALED',
    );
    expect(signals.length).toBeGreaterThan(0);
    expect(signals.length).toBeLessThan(50);
    await recordHistory(stack.temporal, workflowId, 'batch-completed-by-webhooks');

    const costOf = async () =>
      (await readJobCosts(stack.temporal, { service: 'docproc', sinceMs: 0, by: 'unit' })).rows.find(
        (row) => row.name === name,
      );
    await until('visibility has all of it', async () => (await costOf())?.jobs === COUNT);
    const [found] = await findBatchJobs(stack.temporal, 'docproc', `${name}-7`);
    expect(found).toMatchObject({ batch: name, part: 0, status: { state: 'COMPLETED' } });
    expect(await findBatchJobs(stack.temporal, 'docproc', 'nobody')).toEqual([]);
    expect(await costOf()).toEqual({
      name,
      jobs: COUNT,
      completed: COUNT,
      costMicros: COUNT * 10_000,
    });
  });

  it('finds what is there under its name, and refuses other jobs', async () => {
    const name = unique('again').slice(0, 30);
    const jobs = await documents(stack, name, 5);
    const first = stack.playbook.startMany(docproc, jobs, { name });
    await first.fed;
    const again = stack.playbook.startMany(docproc, jobs, { name });
    expect(await again.fed).toEqual({ jobs: 5 });
    const keys: string[] = [];
    for await (const { key } of stack.playbook.batch(docproc, name).results()) keys.push(key);
    expect(keys.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(jobs.map(({ key }) => key));
    const other = stack.playbook.startMany(docproc, jobs.slice(1), { name });
    await expect(other.fed).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('takes a key that ran alone for the same job', async () => {
    const name = unique('alone').slice(0, 30);
    const jobs = await documents(stack, name, 3);
    const { key, input } = jobs[1]!;
    const single = await stack.playbook.start(docproc, input, { key });
    const alone = await single.result();
    if (alone.state === 'PENDING') throw new Error('It waits without end.');
    const ids = new Map<string, string | null>();
    const states: string[] = [];
    for await (const outcome of stack.playbook.startMany(docproc, jobs, { name }).results()) {
      ids.set(outcome.key, outcome.externalId);
      states.push(outcome.state);
    }
    expect(states).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
    expect(ids.get(key)).toBe(alone.externalId);
  });

  it('takes a key of another batch for the same job, also when it then comes alone; with other input it is refused', async () => {
    const name = unique('twice').slice(0, 30);
    const jobs = await documents(stack, name, 3);
    const run = async (batch: string, items: typeof jobs) => {
      const ends: Record<string, string> = {};
      for await (const { key, state, externalId, error } of stack.playbook
        .startMany(docproc, items, { name: `${name}-${batch}`, jobsPerPart: 2 })
        .results()) {
        ends[key] = error?.code ?? `${state} ${externalId}`;
      }
      return ends;
    };
    const first = await run('first', jobs);
    expect(Object.values(first).every((end) => end.startsWith('COMPLETED '))).toBe(true);
    // In the second they are in other parts.
    expect(await run('second', jobs.toReversed())).toEqual(first);
    const { key, input } = jobs[2]!;
    const alone = await (await stack.playbook.start(docproc, input, { key })).result();
    expect(`${alone.state} ${'externalId' in alone ? alone.externalId : ''}`).toBe(first[key]);

    const other = { key: jobs[0]!.key, input: await stack.document(`${name}-other.txt`, 'other') };
    expect(await run('third', [other, jobs[1]!])).toEqual({
      [other.key]: 'IDEMPOTENCY_KEY_REUSED',
      [jobs[1]!.key]: first[jobs[1]!.key],
    });
    const keys = new Set(jobs.map(({ key: one }) => one));
    const made = stack.sandbox.requests({ accepted: true }).filter(({ replayed }) => !replayed);
    expect(made.length).toBeGreaterThanOrEqual(keys.size);
    expect(new Set(made.map((request) => request.key)).size).toBe(made.length);
  });

  it('continues as new with a full page and gives every outcome once', async () => {
    const name = unique('pages').slice(0, 30);
    const jobs = await documents(stack, name, 30);
    const input: BatchInput = { service: 'docproc', name, part: 0, jobs, pageBytes: 3_000 };
    const workflowId = batchWorkflowId(input);
    await stack.temporal.workflow.start(JOB_BATCH_WORKFLOW, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input] });
    const keys: string[] = [];
    const { runId: first } = await stack.temporal.workflow.getHandle(workflowId).describe();
    for await (const { key, state } of stack.playbook.batch(docproc, name).results()) {
      expect(state).toBe('COMPLETED');
      keys.push(key);
    }
    expect(new Set(keys).size).toBe(30);
    expect(keys).toHaveLength(30);
    expect((await stack.temporal.workflow.getHandle(workflowId).describe()).runId).not.toBe(first);
    await recordHistory(stack.temporal, workflowId, 'batch-continued', first);
    await recordHistory(stack.temporal, workflowId, 'batch-taken-over');
  });
});

describe('a batch whose jobs take long', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ sandbox: { limit: { rate: 1_000 }, processing: { minMs: 60_000, maxMs: 60_000 } } });
  });
  afterAll(() => stack.close());

  it('cancels what is not over, here and at the service', async () => {
    const name = unique('cancel').slice(0, 30);
    const jobs = await documents(stack, name, 12);
    const batch = stack.playbook.startMany(docproc, jobs, { name });
    await batch.fed;
    await until('the service has them', async () => (await batch.progress()).PROCESSING === 12);
    await batch.cancel();
    const states: string[] = [];
    for await (const { state } of batch.results()) states.push(state);
    expect(states).toEqual(Array.from({ length: 12 }, () => 'CANCELED'));
    expect(stack.sandbox.requests({ method: 'POST' }).filter(({ path }) => path.endsWith('/cancel'))).toHaveLength(12);
    await recordHistory(stack.temporal, batchWorkflowId({ service: 'docproc', name, part: 0 }), 'batch-canceled');
  });
});
