import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { batchWorkflowId } from '../../src/contracts/batch.ts';
import { oldestProcessingMs } from '../../src/client/open-jobs.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import { recordHistory } from '../helpers/histories.ts';
import { startStack, type Stack } from '../helpers/stack.ts';
import { testNamespace, unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const env = {
  TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'],
  TEMPORAL_NAMESPACE: testNamespace(),
  TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml',
};
const jobs = (...argv: string[]) => playbook(['jobs', ...argv], { env });

async function documents(stack: Stack, name: string, count: number) {
  return Promise.all(
    Array.from({ length: count }, async (_, nth) => ({
      key: `${name}-${nth}`,
      input: await stack.document(`${name}-${nth}.txt`, `text ${nth}`),
    })),
  );
}

describe('playbook jobs, for a batch that is over', () => {
  const name = unique('over').slice(0, 30);
  const id = `batch/docproc/${name}`;
  const failed: string[] = [];
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
    stack.sandbox.faults({ rules: [{ kind: 'error', method: 'POST', path: '/v3/jobs', status: 400, count: 2 }] });
    const batch = stack.playbook.startMany(docproc, await documents(stack, name, 12), {
      name,
      tags: { team: 'batches' },
    });
    for await (const { key, state } of batch.results()) if (state === 'FAILED') failed.push(key);
    const listed = async () => (await jobs('list', '--service', 'docproc')).out;
    await until('visibility has its end', async () => new RegExp(`^${id} +12 +0 +0 `, 'm').test(await listed()));
  });
  afterAll(() => stack.close());

  it('lists it with its counts, and by the states its jobs are in', async () => {
    const { out, err } = await jobs('list', '--service', 'docproc');
    expect(err).toBe('');
    expect(out).toMatch(/^BATCH +JOBS +CREATED +PROCESSING +COMPLETED +FAILED +CANCELED +STARTED \(UTC\) +COST$/m);
    expect(out).toMatch(new RegExp(`^${id} +12 +0 +0 +10 +2 +0 `, 'm'));
    const lines = async (...more: string[]) => {
      const text = (await jobs('list', '--json', ...more)).out.trim();
      const listed = text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as { workflowId: string });
      return listed.filter(({ workflowId }) => workflowId.includes(name)); // other tests share the namespace
    };
    expect(await lines('--service', 'docproc', '--state', 'failed')).toEqual([
      {
        service: 'docproc',
        batch: name,
        workflowId: id,
        jobs: 12,
        complete: true,
        CREATED: 0,
        PROCESSING: 0,
        COMPLETED: 10,
        FAILED: 2,
        CANCELED: 0,
        errors: { VALIDATION: 2 },
        tags: { team: 'batches' },
        startedAt: expect.stringMatching(/^\d{4}-/),
        closedAt: expect.stringMatching(/^\d{4}-/),
        costUsd: 0.1,
      },
    ]);
    expect(await lines('--service', 'docproc', '--state', 'canceled')).toEqual([]);
    expect(await lines('--service', 'docproc', '--unit', 'nobody')).toEqual([]);
    expect(await lines('--service', 'wavescan')).toEqual([]);
  });

  it('tells of it by name, also by the id of a part', async () => {
    const { out, code } = await jobs('status', `${id}/0`);
    expect(out).toMatch(new RegExp(`^${id} +12 `, 'm'));
    expect(code).toBe(0);
    const waited = await jobs('wait', id);
    expect(waited.out).toMatch(/12 jobs.*10 completed, 2 not/);
    expect(waited.code).toBe(1);
  });

  it('waits for one of its jobs as for one alone', async () => {
    const done = Array.from({ length: 12 }, (_, nth) => `${name}-${nth}`).find((key) => !failed.includes(key));
    const { out, code } = await jobs('wait', `docproc/${done}`, '--json');
    expect(JSON.parse(out)).toMatchObject({ key: done, state: 'COMPLETED', workflowId: `${id}/0`, costUsd: 0.01 });
    expect(code).toBe(0);
    expect((await jobs('retry', `docproc/${done}`)).err).toContain(`Job docproc/${done} is COMPLETED`);
    expect((await jobs('cancel', `docproc/${done}`, '--json')).out).toContain('"state":"COMPLETED"');
  });

  it('retries one of its jobs alone, and all that failed as a batch', async () => {
    const [key = ''] = failed;
    const retried = await jobs('retry', 'docproc', key, '--json');
    expect(JSON.parse(retried.out)).toMatchObject({ workflowId: `docproc/${key}`, generation: 2, unit: key });
    expect((await jobs('wait', `docproc/${key}`)).code).toBe(0);

    const all = await jobs('retry', id);
    expect(all.out).toMatch(new RegExp(`^${id}.retry-1 +2 +2 `, 'm'));
    expect((await jobs('wait', `${id}.retry-1`)).out).toContain('2 completed, 0 not');
    // At once, whatever visibility has of it.
    const again = await jobs('retry', id);
    expect(again.err).toContain('NOT_RETRYABLE_STATE: All jobs of batch');
    expect(again.code).toBe(1);
    // The job that was retried alone and in the batch is one at the service: same key, same generation.
    const accepted = stack.sandbox.requests({ accepted: true }).filter(({ replayed }) => !replayed);
    expect(accepted).toHaveLength(12);
  });

  it.each([
    [['status', 'batch/docproc/none'], 'JOB_NOT_FOUND: No batch none of docproc is known here.'],
    [['wait', 'batch/docproc/none'], 'JOB_NOT_FOUND'],
    [['cancel', 'batch/docproc/none'], 'JOB_NOT_FOUND'],
    [['retry', 'batch/docproc/none'], 'JOB_NOT_FOUND'],
    [['wait', 'docproc/none'], 'JOB_NOT_FOUND: No job docproc/none is known here.'],
    [
      ['cancel', 'Batch//'],
      'BAD_USAGE: "Batch//" names no job: give <service>/<key>, or service and key; batch/<service>/<name>',
    ],
  ])('refuses %j', async (argv, message) => {
    const { code, err } = await jobs(...argv);
    expect(err).toContain(message);
    expect(code).toBe(message.startsWith('BAD_USAGE') ? 2 : 1);
  });
});

describe('playbook jobs, for a batch that goes on', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ sandbox: { processing: { minMs: 60_000, maxMs: 60_000 } } });
  });
  afterAll(() => stack.close());

  it('cancels one of its jobs, here and at the service, and the others only when asked for all', async () => {
    const name = unique('on').slice(0, 30);
    const id = `batch/docproc/${name}`;
    const batch = stack.playbook.startMany(docproc, await documents(stack, name, 5), { name, unit: 'acme' });
    await batch.fed;
    await until('the service has them', async () => (await batch.progress()).PROCESSING === 5);
    const oldestMs = () => oldestProcessingMs(stack.temporal, 'docproc', Date.now());
    await until('visibility has one of them', async () => ((await oldestMs()) ?? 0) > 0);

    await jobs('cancel', `docproc/${name}-3`);
    const canceled = await jobs('wait', `docproc/${name}-3`, '--json');
    expect(JSON.parse(canceled.out)).toMatchObject({ state: 'CANCELED', error: { code: 'CANCELED' } });
    expect(canceled.code).toBe(1);
    const cancels = () => stack.sandbox.requests({ method: 'POST' }).filter(({ path }) => path.endsWith('/cancel'));
    expect(cancels()).toHaveLength(1);
    await until('the counts are published', async () => (await batch.progress()).CANCELED === 1);
    expect((await batch.progress()).PROCESSING).toBe(4);

    const pending = await jobs('wait', `docproc/${name}-2`, '--max-wait', '200ms', '--json');
    expect(JSON.parse(pending.out)).toMatchObject({ key: `${name}-2`, state: 'PENDING', route: 'live' });
    expect(pending.code).toBe(3);
    const waited = await jobs('wait', id, '--max-wait', '200ms');
    expect(waited.err).toContain(`Batch ${name} goes on.`);
    expect(waited.code).toBe(3);
    expect((await jobs('retry', id)).err).toContain('is not over: 4 of 5 jobs go on');
    expect((await jobs('list', '--service', 'docproc', '--unit', 'acme')).out).toContain(id);

    expect((await jobs('cancel', id)).out).toContain(id);
    const states: string[] = [];
    for await (const { state } of batch.results()) states.push(state);
    expect(states).toEqual(['CANCELED', 'CANCELED', 'CANCELED', 'CANCELED', 'CANCELED']);
    expect(cancels()).toHaveLength(5);
    await recordHistory(stack.temporal, batchWorkflowId({ service: 'docproc', name, part: 0 }), 'batch-job-canceled');
  });
});
