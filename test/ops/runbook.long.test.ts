import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { readControl, type JobHandle } from '../../src/client/index.ts';
import { startWebhookDelivery } from '../../src/webhooks/hand-over.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import { startStack, type Stack } from '../helpers/stack.ts';
import { testNamespace, unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { apply as applied } from './runbook.ts';

const env = {
  TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'],
  TEMPORAL_NAMESPACE: testNamespace(),
  TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml',
};

const apply = async (entry: string, beginning: string, filled: Readonly<Record<string, string>> = {}) =>
  applied(entry, beginning, { env }, filled);

describe('an entry of the RUNBOOK, its failure brought about and its fix applied as written', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      config: (url) => `service:
  base_url: ${url}
  version: v3
  timeouts: { connect_ms: 500, read_ms: 2000, total_ms: 4000 }
  retry: { max_attempts: 3, backoff_ms: '50,100' }
  rate_limit: { qps_cap: 50 }`,
    });
    await until('somebody holds the gate', async () => (await status()).includes('breaker'));
  });
  afterEach(() => void stack.sandbox.clearFaults());
  afterAll(() => stack.close());

  const status = async (): Promise<string> => (await playbook(['status', 'docproc'], { env })).out;
  const start = async (): Promise<JobHandle<unknown>> =>
    stack.playbook.start(docproc, await stack.document(`${unique('note')}.txt`, 'a note'), { key: unique('job') });
  const stateOf = async (job: JobHandle<unknown>): Promise<string> => (await job.result({ maxWaitMs: 30_000 })).state;
  const sent = (): number => stack.sandbox.requests({ accepted: true }).length;

  it('401: the jobs that failed are retried once the credentials work again', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'error', status: 401, path: '/v3/**' }] });
    const job = await start();
    expect(await job.result({ maxWaitMs: 30_000 })).toMatchObject({ state: 'FAILED', error: { code: 'AUTH_FAILED' } });
    stack.sandbox.clearFaults();
    await apply('401: AUTH_FAILED', 'jobs retry', { key: job.key });
    expect(await stateOf(job)).toBe('COMPLETED');
  });

  it('429: nothing is done, and the job goes on by itself', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'error', status: 429, retryAfterS: 1, count: 2 }] });
    expect(await stateOf(await start())).toBe('COMPLETED');
  });

  it('5xx: what ran out of attempts is listed and retried', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'error', method: 'POST', path: '/v3/jobs', status: 500, count: 3 }] });
    const job = await start();
    expect(await job.result({ maxWaitMs: 30_000 })).toMatchObject({ error: { code: 'RETRIES_EXHAUSTED' } });
    const entry = '5xx, timeouts: SERVICE_UNAVAILABLE, SERVICE_TIMEOUT, RETRIES_EXHAUSTED';
    await until('it is listed', async () => (await apply(entry, 'jobs list')).includes(job.key));
    await apply(entry, 'jobs retry', { key: job.key });
    expect(await stateOf(job)).toBe('COMPLETED');
  });

  it('stuck PROCESSING: a job whose webhook is lost ends by polling', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'webhook-drop' }] });
    const answer = await (await start()).result({ maxWaitMs: 30_000 });
    expect(answer).toMatchObject({ state: 'COMPLETED', webhooks: 0 });
  });

  it('dead letters: one is looked for again, then given up', async () => {
    const eventId = unique('evt');
    const hint = { eventId, state: 'COMPLETED' as const, receivedAtMs: Date.now() };
    await startWebhookDelivery(stack.temporal, {
      service: 'docproc',
      externalId: unique('nobody'),
      hint,
      searchMs: 300,
    });
    const entry = 'Dead letters: WEBHOOK_UNDELIVERABLE';
    await until('it is a dead letter', async () =>
      (await apply(entry, 'webhooks dead-letters list')).includes(eventId),
    );
    await apply(entry, 'webhooks dead-letters retry', { event: eventId });
    await until('it is one again', async () => (await apply(entry, 'webhooks dead-letters list')).includes(eventId));
    await apply(entry, 'webhooks dead-letters discard', { event: eventId });
    await until('it is gone', async () => !(await apply(entry, 'webhooks dead-letters list')).includes(eventId));
    const handle = stack.temporal.workflow.getHandle(`webhook/docproc/${eventId}`);
    await until('it has ended', async () => (await handle.describe()).status.name !== 'RUNNING');
    expect(await apply(entry, 'webhooks dead-letters list')).not.toContain(eventId);
  });

  it('budget spent: raising it lets the backlog go on', async () => {
    await playbook(['budget', 'docproc', '--hourly', '$0.001', '--reason', 'to spend it'], { env });
    await until('the gate keeps to it', async () => (await status()).includes('$0.00'));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const before = sent();
    const job = await start();
    expect((await job.result({ maxWaitMs: 2_000 })).state).toBe('PENDING');
    expect(sent()).toBe(before);
    await apply('Budget spent', 'cost docproc');
    await apply('Budget spent', 'budget docproc');
    expect(await stateOf(job)).toBe('COMPLETED');
  });

  it('kill and restore: nothing leaves in between, and the backlog goes on', async () => {
    await apply('Kill and restore', 'kill docproc');
    const before = sent();
    const job = await start();
    expect((await job.result({ maxWaitMs: 2_000 })).state).toBe('PENDING');
    expect(sent()).toBe(before);
    await apply('Kill and restore', 'restore docproc');
    expect(await stateOf(job)).toBe('COMPLETED');
  });

  it('roll back traffic: what held before the latest rollout holds again', async () => {
    const weight = async (): Promise<number> => (await readControl(stack.temporal, 'docproc')).weightBps;
    const before = await weight();
    const folder = await mkdtemp(join(tmpdir(), 'playbook-rollback-'));
    await writeFile(
      join(folder, 'plan.yaml'),
      'stages: [{ name: a-tenth, weightBps: 1000 }, { name: all, weightBps: 10000 }]\n',
    );
    const starting = ['rollout', 'start', 'docproc', '--plan', 'plan.yaml', '--reason', 'a new version'];
    expect(await playbook(starting, { env, cwd: folder })).toMatchObject({ code: 0, err: '' });
    await rm(folder, { recursive: true });
    await until('it has taken traffic away or over', async () => (await weight()) !== before);
    await apply('Roll back traffic', 'rollout abort docproc');
    await apply('Roll back traffic', 'rollout start docproc');
    expect(await weight()).toBe(before);
    expect(await stateOf(await start())).toBe('COMPLETED');
  });

  it('gate stuck: its workflow is replaced, and the backlog goes on', async () => {
    await apply('Gate stuck', 'kill docproc --force');
    const job = await start();
    expect((await job.result({ maxWaitMs: 1_000 })).state).toBe('PENDING');
    await apply('Gate stuck', 'restore docproc');
    expect(await stateOf(job)).toBe('COMPLETED');
  });

  it('breaker open: jobs wait out an outage, none fails, and they go on by themselves', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'error', status: 503, rate: 1 }] });
    const jobs = await Promise.all(Array.from({ length: 8 }, start));
    await until('the breaker is open', async () => /breaker +open/.test(await status()), 30_000);
    stack.sandbox.clearFaults();
    const waiting = jobs.map(async (job) => job.result({ maxWaitMs: 40_000 }));
    const states = new Set((await Promise.all(waiting)).map(({ state }) => state));
    expect(states).toEqual(new Set(['COMPLETED']));
  });
});
