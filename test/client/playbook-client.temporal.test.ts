import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '@temporalio/client';
import { createPlaybookClient } from '../../src/client/index.ts';
import type { JobSnapshot } from '../../src/client/index.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { DONE, fail, RUNNING, scriptedService } from '../helpers/scripted.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const WAIT = { maxWaitMs: 20_000 };
const service = scriptedService({
  service: 'client-test',
  config: 'polling: { grace_ms: 0, initial_ms: 5, factor: 1, max_ms: 5 }',
});
const { integration } = service;
const REFUSED = {
  code: 'VALIDATION',
  retryable: false,
  arrival: 'refused',
  message: 'The service answered 400.',
} as const;

let bench: JobBench;
beforeAll(async () => {
  bench = await startJobBench([service.runtime]);
});
afterAll(() => bench.close());

describe('start', () => {
  it('finds the running job of the same key and input', async () => {
    const key = unique('job');
    const first = await bench.playbook.start(integration, { text: 'same' }, { key });
    const second = await bench.playbook.start(integration, { text: 'same' }, { key, unit: 'someone else' });
    expect(second.workflowId).toBe(first.workflowId);
    expect((await second.status()).runId).toBe((await first.status()).runId);
    await first.waitUntilAccepted();
    expect(service.requests(key).filter((kind) => kind === 'submit')).toHaveLength(1);
  });

  it('finds the finished job of the same key and input, with its result', async () => {
    const key = unique('job');
    service.script(key, { poll: () => DONE });
    await (await bench.playbook.start(integration, { text: 'same' }, { key })).result(WAIT);
    const again = await bench.playbook.start(integration, { text: 'same' }, { key });
    expect(await again.result(WAIT)).toMatchObject({ state: 'COMPLETED', result: { text: 'done' } });
    expect(service.requests(key).filter((kind) => kind === 'submit')).toHaveLength(1);
  });

  it('refuses a key that belongs to other input, running or finished', async () => {
    const key = unique('job');
    service.script(key, { poll: (nth) => (nth < 5 ? RUNNING : DONE) });
    const job = await bench.playbook.start(integration, { text: 'one' }, { key });
    const other = () => bench.playbook.start(integration, { text: 'other' }, { key });
    await expect(other()).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    await job.result(WAIT);
    await expect(other()).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      message: `Key ${key} of client-test belongs to a job with other input (state COMPLETED). Use a new key for new input.`,
    });
  });

  it('refuses a bad key and bad input before anything is started', async () => {
    await expect(bench.playbook.start(integration, { text: 'x' }, { key: 'two words' })).rejects.toMatchObject({
      code: 'INVALID_KEY',
    });
    const key = unique('job');
    await expect(bench.playbook.start(integration, { text: 7 } as never, { key })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(bench.playbook.job(integration, key).status()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('does not compile with a wrong input field or result field', () => {
    const check = async (): Promise<void> => {
      // @ts-expect-error `txt` is no field of the input
      const job = await bench.playbook.start(integration, { txt: 'typo' }, { key: 'k' });
      const answer = await job.result();
      // @ts-expect-error `txet` is no field of the result
      if (answer.state === 'COMPLETED') answer.result?.txet.trim();
    };
    expect(check).toBeInstanceOf(Function);
  });
});

describe('startAndWaitUntilAccepted', () => {
  const start = (key: string, text = 'same') =>
    bench.playbook.startAndWaitUntilAccepted(integration, { text }, { key });

  it('answers with the external id, also for a job that runs or has finished', async () => {
    const key = unique('job');
    service.script(key, { poll: (nth) => (nth < 5 ? RUNNING : DONE) });
    const { job, accepted } = await start(key);
    expect(accepted).toEqual({ workflowId: `client-test/${key}`, externalId: `x-${key}~1`, state: 'PROCESSING' });
    expect((await start(key)).accepted.externalId).toBe(`x-${key}~1`);
    await job.result(WAIT);
    expect((await start(key)).accepted).toEqual({ ...accepted, state: 'COMPLETED' });
    expect(await job.waitUntilAccepted()).toEqual({ ...accepted, state: 'COMPLETED' });
    expect(service.requests(key).filter((kind) => kind === 'submit')).toHaveLength(1);
  });

  it('refuses a key that belongs to other input, running or finished', async () => {
    const key = unique('job');
    service.script(key, { poll: (nth) => (nth < 5 ? RUNNING : DONE) });
    const { job } = await start(key, 'one');
    await expect(start(key, 'other')).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    await job.result(WAIT);
    await expect(start(key, 'other')).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('fails with the code of a job that never reached the service', async () => {
    const key = unique('job');
    service.script(key, { submit: () => fail(REFUSED) });
    await expect(start(key)).rejects.toMatchObject({ code: 'VALIDATION', message: 'The service answered 400.' });
    await expect(start(key)).rejects.toMatchObject({ code: 'VALIDATION' });
  });
});

describe('a job’s handle', () => {
  it('answers PENDING once the wait ran out, and the outcome to who comes again', async () => {
    const key = unique('job');
    service.script(key, { poll: (nth) => (nth < 6 ? RUNNING : DONE) });
    const job = await bench.playbook.start(integration, { text: 'slow' }, { key });
    expect(await job.result({ maxWaitMs: 0 })).toEqual({
      state: 'PENDING',
      service: 'client-test',
      key,
      workflowId: `client-test/${key}`,
    });
    const forty_days = 40 * 86_400_000;
    expect(await job.result({ maxWaitMs: forty_days })).toMatchObject({ state: 'COMPLETED' });
  });

  it('of an unknown key is JOB_NOT_FOUND', async () => {
    const job = bench.playbook.job(integration, unique('nobody'));
    await expect(job.result(WAIT)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await expect(job.cancel()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('retries a failed job as the next generation, once, with a reference of its own', async () => {
    const key = unique('job');
    let broken = true;
    service.script(key, { submit: () => (broken ? fail(REFUSED) : RUNNING), poll: () => DONE });
    const job = await bench.playbook.start(integration, { text: 'again' }, { key });
    expect(await job.result(WAIT)).toMatchObject({ state: 'FAILED', generation: 1 });
    broken = false;
    await job.retry();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', generation: 2, externalId: `x-${key}~2` });
    await expect(job.retry()).rejects.toMatchObject({
      code: 'NOT_RETRYABLE_STATE',
      message: `Job client-test/${key} is COMPLETED; only a FAILED or CANCELED job can be retried.`,
    });
    await job.cancel();
    expect((await job.status()).state).toBe('COMPLETED');
  });

  it('tells a terminated job from one that failed', async () => {
    const key = unique('job');
    const job = await bench.playbook.start(integration, { text: 'stopped' }, { key });
    await job.waitUntilAccepted();
    await bench.temporal.workflow.getHandle(job.workflowId).terminate('by hand');
    expect(await job.result(WAIT)).toMatchObject({ state: 'FAILED', error: { code: 'TERMINATED' } });
  });

  it('with an id that is no job’s is INVALID_KEY', () => {
    expect(() => bench.playbook.job(integration, '')).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }));
  });
});

describe('list', () => {
  const listed = async (...filter: Parameters<typeof bench.playbook.list>): Promise<JobSnapshot[]> => {
    const jobs: JobSnapshot[] = [];
    for await (const job of bench.playbook.list(...filter)) jobs.push(job);
    return jobs;
  };

  it('filters by service, state and unit, whatever is in the unit’s name', async () => {
    const unit = `${unique('o')}'reilly' OR '1'='1`;
    const keys = [unique('a'), unique('b'), unique('c')];
    for (const key of keys.slice(0, 2)) service.script(key, { poll: () => DONE });
    const jobs = await Promise.all(
      keys.map((key) => bench.playbook.start(integration, { text: 'listed' }, { key, unit })),
    );
    await Promise.all(jobs.slice(0, 2).map((job) => job.result(WAIT)));
    await until('all three are indexed', async () => (await listed({ unit })).length === 3);
    await until('two are completed', async () => (await listed({ unit, state: 'COMPLETED' })).length === 2);
    const completed = await listed({ service: 'client-test', unit, state: 'COMPLETED' });
    expect(completed.map(({ key }) => key).toSorted()).toEqual(keys.slice(0, 2).toSorted());
    expect(completed[0]).toMatchObject({ unit, state: 'COMPLETED', route: 'live', generation: 1, errorCode: null });
    expect(await listed({ unit, service: 'another' })).toEqual([]);
    expect(await listed({ unit, limit: 1 })).toHaveLength(1);
    expect(await listed({ unit, limit: 0 })).toEqual([]);
    expect(await listed({ unit: `${unit}\\` })).toEqual([]);
    expect(await listed({ unit: `\\' OR 1=1 --` })).toEqual([]);
  });
});

describe('a namespace without Playbook’s search attributes', () => {
  it('is SETUP_MISSING', async () => {
    const { connection } = bench.temporal;
    const elsewhere = createPlaybookClient(
      new Client({
        connection,
        namespace: 'temporal-system',
      }),
    );
    await expect(elsewhere.start(integration, { text: 'x' }, { key: unique('k') })).rejects.toMatchObject({
      code: 'SETUP_MISSING',
    });
  });
});
