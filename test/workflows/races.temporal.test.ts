import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeControl } from '../../src/client/index.ts';
import type { JobHandle } from '../../src/client/index.ts';
import type { JobObservation, JobOutcome, WebhookHint } from '../../src/contracts/jobs.ts';
import { WEBHOOK_SIGNAL } from '../../src/contracts/messages.ts';
import { errorOf } from '../helpers/outcomes.ts';
import { eventCount, eventTypes, recordHistory } from '../helpers/histories.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { DONE, fail, RUNNING, scriptedService, type Script, type ScriptedService } from '../helpers/scripted.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const WAIT = { maxWaitMs: 20_000 };
const HOURS = 7_200_000;
const THROTTLED = {
  code: 'THROTTLED',
  arrival: 'refused',
  throttled: true,
  message: 'The service answered 429.',
} as const;

/** Polls at once and often. */
const quick = scriptedService({
  service: 'quick',
  config: 'polling: { grace_ms: 0, initial_ms: 5, factor: 1, max_ms: 5 }',
});
/** Waits for webhooks; polls would come hours later. */
const patient = scriptedService({
  service: 'patient',
  config: `polling: { grace_ms: ${HOURS}, initial_ms: ${HOURS}, factor: 1, max_ms: ${HOURS} }`,
});
/** The same, and the worker that runs its jobs holds its gate, which has room. */
const atHand = scriptedService({
  service: 'at-hand',
  config: `polling: { grace_ms: ${HOURS}, initial_ms: ${HOURS}, factor: 1, max_ms: ${HOURS} }`,
});
/** Gives up after two seconds. */
const brief = scriptedService({
  service: 'brief',
  config: 'polling: { grace_ms: 0, initial_ms: 50, factor: 1, max_ms: 50 }\ndeadline_ms: 2000',
});
/** Its control state changes while jobs are under way. */
const fickle = scriptedService({ service: 'fickle' });
/** Neither searchable nor able to cancel. */
const blind = scriptedService({ service: 'blind', lookup: false, cancel: false, config: 'deadline_ms: 2000' });

let bench: JobBench;
beforeAll(async () => {
  const runtimes = [quick, patient, brief, blind, fickle].map(({ runtime }) => runtime);
  bench = await startJobBench([...runtimes, { ...atHand.runtime, passesAtOnce: () => true }]);
});
afterAll(() => bench.close());

interface Started {
  readonly key: string;
  readonly job: JobHandle<{ text: string }>;
  readonly hint: (more?: Partial<WebhookHint>) => Promise<void>;
}

async function start(service: ScriptedService, script: Script): Promise<Started> {
  const key = unique('job');
  service.script(key, script);
  const job = await bench.playbook.start(service.integration, { text: 'work' }, { key });
  const handle = bench.temporal.workflow.getHandle(job.workflowId);
  return {
    key,
    job,
    hint: (more = {}) =>
      handle.signal(WEBHOOK_SIGNAL, { eventId: unique('evt'), state: 'COMPLETED', receivedAtMs: Date.now(), ...more }),
  };
}

/** Holds a request of a script until released. */
function gate(): { readonly reached: Promise<void>; readonly open: () => void; readonly pass: () => Promise<void> } {
  let open = (): void => undefined;
  let arrive = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  return {
    reached,
    open,
    pass: () => {
      arrive();
      return opened;
    },
  };
}

describe('cancellation', () => {
  it('sends nothing when it comes while the service throttles', async () => {
    const { job, key } = await start(quick, { submit: () => fail({ ...THROTTLED, retryAfterMs: 3_600_000 }) });
    await until('it was throttled once', () => quick.requests(key).length === 1);
    await sleep(100);
    await job.cancel();
    expect(await job.result(WAIT)).toMatchObject({ state: 'CANCELED', externalId: null, error: { code: 'CANCELED' } });
    expect(quick.requests(key)).toEqual(['submit']);
    await recordHistory(bench.temporal, job.workflowId, 'canceled-before-sent');
  });

  it('waits for a request that is on its way, then tells the service', async () => {
    const held = gate();
    const { job, key } = await start(quick, {
      submit: async () => {
        await held.pass();
        return RUNNING;
      },
    });
    await held.reached;
    await job.cancel();
    await until('the job says what it waits for', async () => (await job.detail()).activity.startsWith('Cancellation'));
    held.open();
    expect(await job.result(WAIT)).toMatchObject({ state: 'CANCELED', externalId: `x-${key}~1` });
    expect(quick.requests(key)).toEqual(['submit', 'cancel']);
    await recordHistory(bench.temporal, job.workflowId, 'canceled-during-submit');
  });

  it('sends the same request again when it may have arrived, then tells the service', async () => {
    const { job, key } = await start(quick, {
      submit: async (nth) => (nth === 1 ? fail({ arrival: 'maybe', retryAfterMs: 1500 }) : RUNNING),
    });
    await until('the first attempt failed', () => quick.requests(key).length === 1);
    await job.cancel();
    expect(await job.result(WAIT)).toMatchObject({ state: 'CANCELED', externalId: `x-${key}~1` });
    expect(quick.requests(key)).toEqual(['submit', 'submit', 'cancel']);
  });

  it('takes effect once an attempt that was running turns out not to have arrived', async () => {
    const held = gate();
    const { job, key } = await start(quick, {
      submit: async () => {
        await held.pass();
        return fail({ ...THROTTLED, retryAfterMs: 3_600_000 });
      },
    });
    await held.reached;
    await job.cancel();
    await until('the job says what it waits for', async () => (await job.detail()).activity.startsWith('Cancellation'));
    held.open();
    expect(await job.result(WAIT)).toMatchObject({ state: 'CANCELED', externalId: null });
    expect(quick.requests(key)).toEqual(['submit']);
  });

  it('reaches the service while the job waits for its webhook', async () => {
    const { job, key } = await start(patient, {});
    await job.waitUntilAccepted();
    await job.cancel();
    const outcome = await job.result(WAIT);
    expect(outcome).toMatchObject({ state: 'CANCELED', error: { code: 'CANCELED' } });
    expect(patient.requests(key)).toEqual(['submit', 'cancel']);
    await recordHistory(bench.temporal, job.workflowId, 'canceled-while-waiting');
  });

  it('gives way to a result that the service already had', async () => {
    const { job, key } = await start(patient, {
      cancel: () => fail({ code: 'CONFLICT', retryable: false, arrival: 'refused', message: 'Finished.' }),
      poll: () => DONE,
    });
    await job.waitUntilAccepted();
    await job.cancel();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', result: { text: 'done' } });
    expect(patient.requests(key)).toEqual(['submit', 'cancel', 'poll']);
    await recordHistory(bench.temporal, job.workflowId, 'completed-despite-cancel');
  });

  it('fetches the result when the answer to the cancellation says that the job is done', async () => {
    const { job } = await start(patient, { cancel: () => ({ status: 'DONE' }), poll: () => DONE });
    await job.waitUntilAccepted();
    await job.cancel();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', result: { text: 'done' } });
  });

  it('is not held up by a fetch that cannot reach the service', async () => {
    const { job, key, hint } = await start(patient, { poll: () => fail({ retryAfterMs: 3_600_000 }) });
    await job.waitUntilAccepted();
    await hint();
    await until('the fetch failed', () => patient.requests(key).includes('poll'));
    await job.cancel();
    expect(await job.result(WAIT)).toMatchObject({ state: 'CANCELED' });
  });

  it('says so where the service cannot be told', async () => {
    const { job } = await start(blind, { poll: () => RUNNING });
    await job.waitUntilAccepted();
    await job.cancel();
    const outcome = await job.result(WAIT);
    expect(outcome).toMatchObject({ state: 'CANCELED' });
    const { activity } = await job.detail();
    expect(activity).toBe(
      'CANCELED: Canceled on request. blind could not be told: blind offers no way to cancel a job.',
    );
  });

  it('says CANCELED, too, where the service’s webhook tells of it before its answer does', async () => {
    const held = gate();
    const { job, hint } = await start(patient, {
      cancel: async () => {
        await held.pass();
        return { status: 'CANCELED' };
      },
    });
    const { externalId } = await job.waitUntilAccepted();
    await job.cancel();
    await held.reached;
    await hint({ state: 'CANCELED', externalId, observation: { state: 'CANCELED', word: 'CANCELED' } });
    await until('the job knows', async () => (await job.detail()).webhooks === 1);
    held.open();
    expect(await job.result(WAIT)).toMatchObject({ state: 'CANCELED', error: { code: 'CANCELED' } });
  });

  it('with a webhook on its heels ends in what the service says', async () => {
    const held = gate();
    const { job, hint } = await start(patient, {
      cancel: async () => {
        await held.pass();
        return fail({ code: 'CONFLICT', retryable: false, arrival: 'refused' });
      },
      poll: () => DONE,
    });
    await job.waitUntilAccepted();
    await job.cancel();
    await held.reached;
    await hint();
    held.open();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', webhooks: 1 });
  });
});

describe('webhooks', () => {
  it('are followed up by as many looks as it takes for the service to catch up', async () => {
    const { job, key, hint } = await start(patient, { poll: (nth) => (nth < 3 ? RUNNING : DONE) });
    await job.waitUntilAccepted();
    await hint();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', polls: 3, webhooks: 1 });
    expect(patient.requests(key)).toEqual(['submit', 'poll', 'poll', 'poll']);
    await recordHistory(bench.temporal, job.workflowId, 'fetch-without-a-glance');
  });

  it('are followed up at once where the gate is at hand, and by an activity for what that does not find out', async () => {
    const { job, key, hint } = await start(atHand, { poll: (nth) => (nth < 3 ? RUNNING : DONE) });
    await job.waitUntilAccepted();
    await hint();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', polls: 3, webhooks: 1 });
    expect(atHand.requests(key)).toEqual(['submit', 'poll', 'poll', 'poll']);
    const types = await eventTypes(bench.temporal, job.workflowId);
    expect(types.filter((type) => type === 'ACTIVITY_TASK_SCHEDULED')).toHaveLength(2);
    await recordHistory(bench.temporal, job.workflowId, 'glance-then-fetch');
  });

  it('are followed up by an activity where the service takes too long for a workflow task', async () => {
    const { job, key, hint } = await start(atHand, {
      poll: (nth, signal) =>
        nth > 1 ? DONE : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    await job.waitUntilAccepted();
    await hint();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', polls: 2, webhooks: 1 });
    expect(atHand.requests(key)).toEqual(['submit', 'poll', 'poll']);
  });

  it('whose payload is declared sufficient need no look', async () => {
    const { job, key, hint } = await start(patient, {});
    const { externalId } = await job.waitUntilAccepted();
    const observation: JobObservation = {
      state: 'COMPLETED',
      word: 'DONE',
      result: { text: 'signed' },
      costMicros: 77,
    };
    await hint({ externalId, observation });
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', result: { text: 'signed' }, polls: 0 });
    expect(patient.requests(key)).toEqual(['submit']);
    await recordHistory(bench.temporal, job.workflowId, 'completed-by-trusted-webhook');
  });

  it('of another external job, of another generation, or of mere progress lead to nothing', async () => {
    const { job, key, hint } = await start(patient, {});
    await job.waitUntilAccepted();
    await hint({ externalId: 'x-somebody-else' });
    await hint({ generation: 2 });
    await hint({ state: 'PROCESSING' });
    await until('all three were counted', async () => (await job.detail()).webhooks === 3);
    expect((await job.detail()).state).toBe('PROCESSING');
    expect(patient.requests(key)).toEqual(['submit']);
  });

  it('repeated a hundred times are worth one look', async () => {
    const { job, key, hint } = await start(patient, { poll: () => DONE });
    await job.waitUntilAccepted();
    await Promise.all(Array.from({ length: 100 }, () => hint({ eventId: 'the-same' })));
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED' });
    expect(patient.requests(key)).toEqual(['submit', 'poll']);
  });

  it('win over a poll that is under way', async () => {
    const held = gate();
    const { job, hint } = await start(quick, {
      poll: async (nth) => {
        if (nth === 1) await held.pass();
        return nth === 1 ? RUNNING : DONE;
      },
    });
    await held.reached;
    await hint();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', polls: 2 });
    held.open();
    await recordHistory(bench.temporal, job.workflowId, 'webhook-during-a-poll');
  });

  it('after the end change nothing', async () => {
    const { job, hint } = await start(quick, {
      poll: () => ({ status: 'BROKEN', error: { code: 'E7', message: 'torn' } }),
    });
    expect(await job.result(WAIT)).toMatchObject({
      state: 'FAILED',
      error: { code: 'REMOTE_FAILED', message: 'quick reports E7: torn' },
    });
    await expect(hint()).rejects.toThrow('workflow execution already completed');
    expect((await job.status()).state).toBe('FAILED');
    await recordHistory(bench.temporal, job.workflowId, 'remote-failed');
  });
});

describe('the end of a job', () => {
  it('is CANCELED with REMOTE_CANCELED when the service canceled it', async () => {
    const { job } = await start(quick, { poll: () => ({ status: 'STOPPED' }) });
    expect(await job.result(WAIT)).toMatchObject({ state: 'CANCELED', error: { code: 'REMOTE_CANCELED' } });
    expect((await job.status()).state).toBe('CANCELED');
  });

  it('may be in the answer to the submit', async () => {
    const { job, key } = await start(quick, { submit: () => DONE });
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', result: { text: 'done' }, polls: 0 });
    expect(quick.requests(key)).toEqual(['submit']);
    expect(await job.status()).toMatchObject({ externalId: `x-${key}~1`, route: 'live' });
    await recordHistory(bench.temporal, job.workflowId, 'completed-at-once');
  });

  it('is RETRIES_EXHAUSTED after max_attempts, throttled attempts not counted', async () => {
    const { job, key } = await start(quick, {
      submit: (nth) => (nth <= 4 ? fail({ ...THROTTLED, retryAfterMs: 1 }) : fail({ arrival: 'maybe' })),
    });
    const outcome = await job.result(WAIT);
    expect(outcome).toMatchObject({
      state: 'FAILED',
      error: {
        code: 'RETRIES_EXHAUSTED',
        message: '3 of 3 attempts failed; the last: The service answered 500. quick does not have the job.',
      },
    });
    expect(quick.requests(key)).toEqual([...Array<string>(7).fill('submit'), 'lookup']);
    expect(await job.status()).toMatchObject({ route: 'live', errorCode: 'RETRIES_EXHAUSTED' });
    await recordHistory(bench.temporal, job.workflowId, 'retries-exhausted');
  });

  it('is the refusal of an invalid request, which is not repeated', async () => {
    const { job, key } = await start(quick, {
      submit: () =>
        fail({ code: 'VALIDATION', retryable: false, arrival: 'refused', message: 'The service answered 400.' }),
    });
    expect(await job.result(WAIT)).toMatchObject({ state: 'FAILED', error: { code: 'VALIDATION' } });
    expect(quick.requests(key)).toEqual(['submit']);
    await recordHistory(bench.temporal, job.workflowId, 'refused');
  });

  it('is NOT_FOUND only for a job that stays away', async () => {
    const gone = {
      code: 'NOT_FOUND',
      retryable: false,
      arrival: 'refused',
      message: 'The service answered 404.',
    } as const;
    const late = await start(quick, { poll: (nth) => (nth <= 3 ? fail(gone) : DONE) });
    const lost = await start(quick, { poll: () => fail(gone) });
    expect(await late.job.result(WAIT)).toMatchObject({ state: 'COMPLETED', polls: 4 });
    expect(await lost.job.result(WAIT)).toMatchObject({ state: 'FAILED', error: { code: 'NOT_FOUND' } });
    expect(quick.requests(lost.key).filter((kind) => kind === 'poll')).toHaveLength(6);
  });

  it('is not brought about by credentials that stop working for a while', async () => {
    const refused = {
      code: 'AUTH_FAILED',
      retryable: false,
      arrival: 'refused',
      message: 'The service answered 401.',
    } as const;
    const { job } = await start(quick, { poll: (nth) => (nth <= 8 ? fail(refused) : DONE) });
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED' });
  });

  it('is RESPONSE_TOO_LARGE for a result no history should hold', async () => {
    const { job } = await start(quick, { poll: () => ({ status: 'DONE', result: { text: 'x'.repeat(140_000) } }) });
    expect(await job.result(WAIT)).toMatchObject({ state: 'FAILED', error: { code: 'RESPONSE_TOO_LARGE' } });
  });

  it('tells those who wait for acceptance why there is none', async () => {
    const held = gate();
    const { job } = await start(quick, {
      submit: async () => {
        await held.pass();
        return fail({ code: 'VALIDATION', retryable: false, arrival: 'refused', message: 'The service answered 400.' });
      },
    });
    const waiting = job.waitUntilAccepted();
    await held.reached;
    held.open();
    await expect(waiting).rejects.toMatchObject({ code: 'VALIDATION', message: 'The service answered 400.' });
    await expect(job.waitUntilAccepted()).rejects.toMatchObject({ code: 'VALIDATION' });
  });

  it('tells them also when the job is canceled first', async () => {
    const { job, key } = await start(quick, { submit: () => fail({ ...THROTTLED, retryAfterMs: 3_600_000 }) });
    const waiting = job.waitUntilAccepted();
    // oxlint-disable-next-line jest/valid-expect -- awaited below, once the job is canceled
    const refusal = expect(waiting).rejects.toMatchObject({
      code: 'CANCELED',
      message: 'Canceled before it was sent.',
    });
    await until('it was throttled', () => quick.requests(key).length === 1);
    await sleep(100);
    await job.cancel();
    await refusal;
  });
});

describe('the deadline', () => {
  it('ends a job that is only ever throttled, and says that nothing was sent', async () => {
    const { job, key } = await start(brief, { submit: () => fail({ ...THROTTLED, retryAfterMs: 300 }) });
    const outcome = await job.result(WAIT);
    expect(outcome).toMatchObject({ state: 'FAILED', externalId: null, error: { code: 'DEADLINE_EXCEEDED' } });
    expect(errorOf(outcome).message).toContain('Nothing reached brief.');
    expect(new Set(brief.requests(key))).toEqual(new Set(['submit']));
    await recordHistory(bench.temporal, job.workflowId, 'deadline-never-sent');
  });

  it('has the service cancel what a lost submit may have left there', async () => {
    const { job, key } = await start(brief, {
      submit: () => fail({ ...THROTTLED, arrival: 'maybe', retryAfterMs: 60_000 }),
      lookup: () => [RUNNING],
    });
    const outcome = await job.result(WAIT);
    expect(outcome).toMatchObject({ state: 'FAILED', externalId: `x-${key}~1`, error: { code: 'DEADLINE_EXCEEDED' } });
    expect(errorOf(outcome).message).toContain('brief was told and reports STOPPED.');
    expect(brief.requests(key)).toEqual(['submit', 'lookup', 'cancel']);
    await recordHistory(bench.temporal, job.workflowId, 'deadline-maybe-sent');
  });

  it('finds nothing to cancel where the lost submit never arrived', async () => {
    const { job, key } = await start(brief, {
      submit: () => fail({ ...THROTTLED, arrival: 'maybe', retryAfterMs: 60_000 }),
    });
    const outcome = await job.result(WAIT);
    expect(outcome).toMatchObject({ state: 'FAILED', externalId: null });
    expect(errorOf(outcome).message).toContain('brief has no such job.');
    expect(brief.requests(key)).toEqual(['submit', 'lookup']);
  });

  it('says so where that cannot be found out', async () => {
    const { job } = await start(blind, {
      submit: () => fail({ ...THROTTLED, arrival: 'maybe', retryAfterMs: 60_000 }),
    });
    const outcome = await job.result(WAIT);
    expect(errorOf(outcome)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(errorOf(outcome).message).toContain('A request may have reached blind.');
  });

  it('cancels a job at the service that is still waiting there', async () => {
    const { job, key } = await start(brief, {});
    const outcome = await job.result(WAIT);
    expect(outcome).toMatchObject({ state: 'FAILED', externalId: `x-${key}~1`, error: { code: 'DEADLINE_EXCEEDED' } });
    expect(brief.requests(key).at(-1)).toBe('cancel');
    expect((outcome as JobOutcome).latencyMs).toBeGreaterThanOrEqual(1900);
    await recordHistory(bench.temporal, job.workflowId, 'deadline-while-waiting');
  });

  it('still lets a webhook win when polls are throttled past it', async () => {
    const { job, hint } = await start(brief, {
      poll: (nth) => (nth === 1 ? fail({ ...THROTTLED, retryAfterMs: 3_600_000 }) : DONE),
    });
    await until('only webhooks are left', async () => (await job.detail()).activity.includes('only a webhook'));
    await hint();
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED' });
    await recordHistory(bench.temporal, job.workflowId, 'throttled-past-deadline');
  });

  it('takes a result that the service turns out to have', async () => {
    const { job } = await start(brief, {
      poll: (nth) => (nth === 1 ? fail({ ...THROTTLED, retryAfterMs: 3_600_000 }) : DONE),
      cancel: () => fail({ code: 'CONFLICT', retryable: false, arrival: 'refused' }),
    });
    expect(await job.result(WAIT)).toMatchObject({ state: 'COMPLETED', result: { text: 'done' } });
  });
});

describe('a change of the control state', () => {
  it('before anything was sent has the job admitted anew, here to be refused', async () => {
    const { job, key } = await start(fickle, { submit: () => fail({ ...THROTTLED, retryAfterMs: 300 }) });
    await until('it was throttled', () => fickle.requests(key).length > 0);
    await changeControl(bench.temporal, 'fickle', 'disable', { actor: 'a test', reason: 'to refuse jobs' });
    expect(await job.result(WAIT)).toMatchObject({
      state: 'FAILED',
      externalId: null,
      error: { code: 'INTEGRATION_DISABLED' },
    });
    await recordHistory(bench.temporal, job.workflowId, 'admitted-anew-and-refused');
  });
});

describe('history', () => {
  it('does not grow with the number of polls, and holds what the path says', async () => {
    const few = await start(quick, { poll: (nth) => (nth < 3 ? RUNNING : DONE) });
    const many = await start(quick, { poll: (nth) => (nth < 30 ? RUNNING : DONE) });
    expect(await few.job.result(WAIT)).toMatchObject({ state: 'COMPLETED', polls: 3 });
    expect(await many.job.result(WAIT)).toMatchObject({ state: 'COMPLETED', polls: 30 });
    const count = await eventCount(bench.temporal, few.job.workflowId);
    expect(count).toBeLessThanOrEqual(28);
    expect(await eventCount(bench.temporal, many.job.workflowId)).toBe(count);
    const types = await eventTypes(bench.temporal, many.job.workflowId);
    expect(types.filter((type) => type === 'ACTIVITY_TASK_SCHEDULED')).toHaveLength(2);
  });

  it('counts what was charged and every request in the cost', async () => {
    const { job } = await start(quick, { poll: (nth) => (nth < 3 ? RUNNING : DONE) });
    expect(await job.result(WAIT)).toMatchObject({ costMicros: 1000 + 4 * 10 });
    const charged = await start(quick, { poll: () => ({ ...DONE, cost: 5 }) });
    expect(await charged.job.result(WAIT)).toMatchObject({ costMicros: 5 + 2 * 10 });
  });
});
