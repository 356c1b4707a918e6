import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { errorOf } from '../helpers/outcomes.ts';
import { eventCount, eventTypes, recordHistory } from '../helpers/histories.ts';
import { startStack, type Stack } from '../helpers/stack.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const WAIT = { maxWaitMs: 20_000 };

describe('an external job at docproc', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  async function start(content: string) {
    const key = unique('job');
    return stack.playbook.start(docproc, await stack.document(`${key}.txt`, content), { key });
  }
  const accepted = () => stack.sandbox.requests({ accepted: true }).length;

  it('is completed by its webhook, in at most 28 events', async () => {
    const job = await start('Grüße aus Zürich');
    const outcome = await job.result(WAIT);
    expect(outcome).toMatchObject({
      state: 'COMPLETED',
      route: 'live',
      result: { text: 'Grüße aus Zürich' },
      error: null,
      polls: 1,
      webhooks: 1,
      costMicros: 10_000,
    });
    // The submit; the service is asked within the workflow task that the webhook caused.
    const types = await eventTypes(stack.temporal, job.workflowId);
    expect(types.filter((type) => type === 'ACTIVITY_TASK_SCHEDULED')).toHaveLength(1);
    expect(types.length).toBeLessThanOrEqual(28);
    await recordHistory(stack.temporal, job.workflowId, 'completed-by-glance');
  });

  it('is completed by polling where webhooks are dropped, in at most 28 events', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'webhook-drop' }] });
    const job = await start('polled');
    const outcome = await job.result(WAIT);
    stack.sandbox.clearFaults();
    expect(outcome).toMatchObject({ state: 'COMPLETED', result: { text: 'polled' }, webhooks: 0 });
    expect(await eventCount(stack.temporal, job.workflowId)).toBeLessThanOrEqual(28);
    await recordHistory(stack.temporal, job.workflowId, 'completed-by-polling');
  });

  it('loses no webhook that arrives before the answer to the POST', async () => {
    stack.sandbox.faults({
      rules: [{ kind: 'latency', at: 'after', method: 'POST', path: '/v3/jobs', ms: 3_000, count: 1 }],
    });
    const job = await start('early');
    await until('the webhook is there', async () => (await job.detail()).webhooks === 1);
    expect((await job.detail()).state).toBe('CREATED');
    expect(await job.result(WAIT)).toMatchObject({
      state: 'COMPLETED',
      result: { text: 'early' },
      polls: 1,
      webhooks: 1,
    });
    await recordHistory(stack.temporal, job.workflowId, 'webhook-before-acceptance');
  });

  it('takes duplicated, reordered and unordered webhooks for what they are', async () => {
    stack.sandbox.faults({
      rules: [
        { kind: 'webhook-duplicate', copies: 3 },
        { kind: 'webhook-reorder', withinMs: 200 },
      ],
    });
    const jobs = await Promise.all(['one', 'two', 'three'].map(start));
    const outcomes = await Promise.all(jobs.map((job) => job.result(WAIT)));
    stack.sandbox.clearFaults();
    expect(outcomes.map(({ state }) => state)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
  });

  it('sends one POST that counts when the connection breaks after the service has the job', async () => {
    const before = accepted();
    stack.sandbox.faults({ rules: [{ kind: 'reset', at: 'after', method: 'POST', path: '/v3/jobs', count: 2 }] });
    const job = await start('reset twice');
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED' });
    expect(accepted() - before).toBe(1);
    await recordHistory(stack.temporal, job.workflowId, 'submit-repeated');
  });

  it('fails as UNKNOWN_STATUS on a word nobody has heard of', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'drift', method: 'GET', path: '/v3/jobs/*', status: 'MOSTLY_DONE' }] });
    const job = await start('drifting');
    const outcome = await job.result(WAIT);
    stack.sandbox.clearFaults();
    expect(outcome).toMatchObject({ state: 'FAILED', result: null, error: { code: 'UNKNOWN_STATUS' } });
    expect(errorOf(outcome).message).toContain('docproc reports status "MOSTLY_DONE"');
  });

  it('fails as CONTRACT_VIOLATION, naming the field, on an answer that lost one', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'drift', method: 'GET', path: '/v3/jobs/*', remove: ['result.sha256'] }] });
    const job = await start('shrinking');
    const outcome = await job.result(WAIT);
    stack.sandbox.clearFaults();
    expect(outcome).toMatchObject({ state: 'FAILED', error: { code: 'CONTRACT_VIOLATION' } });
    expect(errorOf(outcome).message).toContain('result.sha256');
    await recordHistory(stack.temporal, job.workflowId, 'contract-violation');
  });

  it('is canceled at the service, too', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'latency', method: 'GET', path: '/v3/jobs/*', ms: 2_500 }] });
    const job = await start('never mind');
    const { externalId } = await job.waitUntilAccepted();
    await job.cancel();
    const outcome = await job.result(WAIT);
    stack.sandbox.clearFaults();
    expect(['CANCELED', 'COMPLETED']).toContain(outcome.state);
    expect(stack.sandbox.requests({ method: 'POST' }).map(({ path }) => path)).toContain(
      `/v3/jobs/${externalId}/cancel`,
    );
  });
});

describe('an external job whose polling is set to hours', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      config: 'polling: { grace_ms: 0, initial_ms: 7200000, factor: 1, max_ms: 7200000 }',
      sandbox: { processing: { minMs: 2_000, maxMs: 2_100 } },
    });
  });
  afterAll(() => stack.close());

  it('is completed by its webhook', async () => {
    const key = unique('hours');
    const job = await stack.playbook.start(docproc, await stack.document('hours.txt', 'hours'), { key });
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', polls: 2, webhooks: 1 });
    expect(await eventCount(stack.temporal, job.workflowId)).toBeLessThanOrEqual(32);
    await recordHistory(stack.temporal, job.workflowId, 'webhook-during-polling');
  });
});
