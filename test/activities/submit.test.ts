import { describe, expect, it } from '@jest/globals';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { createSubmitActivities } from '../../src/activities/index.ts';
import type { ActivityContext } from '../../src/activities/activity-context.ts';
import { MAY_HAVE_ARRIVED, type SubmitRequest } from '../../src/contracts/activities.ts';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import type { Submitted } from '../../src/contracts/jobs.ts';
import { fakeContext, type FakeContext } from '../helpers/fake-context.ts';
import { fail, RUNNING, scriptedService, type Script, type ScriptedServiceOptions } from '../helpers/scripted.ts';

const NOW = 1_000_000;
const KEY = 'k';

interface Attempt {
  readonly script?: Script;
  readonly service?: Partial<ScriptedServiceOptions>;
  readonly context?: Partial<ActivityContext>;
  readonly request?: Partial<SubmitRequest>;
}

async function attempt({ script = {}, service = {}, context = {}, request = {} }: Attempt): Promise<{
  readonly answer?: Submitted;
  readonly error?: Error;
  readonly requests: string[];
  readonly context: FakeContext;
}> {
  const scripted = scriptedService({ service: 'scripted', ...service });
  scripted.script(KEY, script);
  const fake = fakeContext(context);
  const { submitJob } = createSubmitActivities({
    services: { get: () => scripted.runtime, has: () => false },
    readControl: async () => ({ ...INITIAL_CONTROL, enabled: true }),
    openInputFile: async () => {
      throw new Error('no files here');
    },
    now: () => NOW,
    random: () => 0,
    context: () => fake,
  });
  const requested: SubmitRequest = {
    service: 'scripted',
    key: KEY,
    generation: 1,
    unit: 'u',
    input: { text: 'work' },
    route: 'live',
    revision: 0,
    deadlineAtMs: NOW + 3_600_000,
    ...request,
  };
  try {
    return { answer: await submitJob(requested), requests: scripted.requests(KEY), context: fake };
  } catch (error) {
    return { error: error as Error, requests: scripted.requests(KEY), context: fake };
  }
}

const asFailure = (error: Error | undefined): ApplicationFailure => {
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
};
const mayHaveArrived = (error: Error | undefined): boolean =>
  (asFailure(error).cause as ApplicationFailure | undefined)?.type === MAY_HAVE_ARRIVED;
const NONE = { idempotency: { kind: 'none' } } as const;

describe('an attempt to submit', () => {
  it('answers with the id, what was said of the job, and how many requests it took in all', async () => {
    const { answer, requests } = await attempt({
      context: { attempt: 3, heartbeatDetails: { requests: 4, failures: 1, reportedAttempt: 2 } },
    });
    expect(answer).toEqual({
      externalId: 'x-k~1',
      requests: 5,
      observation: { state: 'PROCESSING', word: 'RUNNING' },
    });
    expect(requests).toEqual(['submit']);
  });

  it('leaves to the next how often it failed, acknowledged, and says when that is due', async () => {
    const { error, context } = await attempt({ script: { submit: () => fail({ arrival: 'maybe' }) } });
    expect(asFailure(error)).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false, nextRetryDelay: 20 });
    expect(mayHaveArrived(error)).toBe(true);
    const last = context.heartbeats.at(-1);
    expect(last).toMatchObject({
      acknowledged: true,
      details: { requests: 1, failures: 1, mayHaveArrived: true, reportedAttempt: 1 },
    });
    // The SDK has the same, so that nothing older can overwrite it later.
    expect(context.heartbeats.at(-2)?.details).toEqual(last?.details);
  });

  it('begins with a heartbeat only where it may be the last: there, no later one could tell that it began', async () => {
    expect((await attempt({})).context.heartbeats).toEqual([]);
    expect((await attempt({ request: { deadlineAtMs: NOW + 10_000 } })).context.heartbeats).toHaveLength(1);
  });

  it('does not count an attempt that was throttled, and waits as long as it was asked to', async () => {
    const { error, context } = await attempt({
      script: { submit: () => fail({ code: 'THROTTLED', arrival: 'refused', throttled: true, retryAfterMs: 7_000 }) },
    });
    expect(asFailure(error)).toMatchObject({ type: 'THROTTLED', nextRetryDelay: 7_000, category: 'BENIGN' });
    expect(mayHaveArrived(error)).toBe(false);
    expect(context.heartbeats.at(-1)?.details).toMatchObject({ failures: 0, mayHaveArrived: false });
  });

  it('is the last one where the next would come after the deadline', async () => {
    const { error } = await attempt({
      script: { submit: () => fail({ throttled: true, retryAfterMs: 60_000 }) },
      request: { deadlineAtMs: NOW + 60_000 },
    });
    expect(asFailure(error)).toMatchObject({
      type: 'DEADLINE_EXCEEDED',
      nonRetryable: true,
      message: 'The service answered 500. The next attempt would be after the deadline.',
    });
  });

  it('sends nothing once the deadline has passed', async () => {
    const { error, requests } = await attempt({ request: { deadlineAtMs: NOW } });
    expect(asFailure(error)).toMatchObject({ type: 'DEADLINE_EXCEEDED', nonRetryable: true });
    expect(mayHaveArrived(error)).toBe(false);
    expect(requests).toEqual([]);
  });

  it('takes an earlier attempt that died unseen for one that may have arrived', async () => {
    const died = await attempt({
      script: { submit: () => fail({ arrival: 'never', throttled: true }) },
      context: {
        attempt: 2,
        heartbeatDetails: { requests: 0, failures: 0, mayHaveArrived: false, reportedAttempt: 0 },
      },
    });
    expect(mayHaveArrived(died.error)).toBe(true);
    const reported = await attempt({
      script: { submit: () => fail({ arrival: 'never', throttled: true }) },
      context: {
        attempt: 2,
        heartbeatDetails: { requests: 1, failures: 0, mayHaveArrived: false, reportedAttempt: 1 },
      },
    });
    expect(mayHaveArrived(reported.error)).toBe(false);
  });

  it.each(['AUTH_FAILED', 'SCOPE_MISSING'] as const)(
    'waits on %s for somebody to mend the credentials where the service may have the job, and only there',
    async (code) => {
      const script: Script = { submit: () => fail({ code, retryable: false, arrival: 'refused' }) };
      const earlier = { requests: 1, failures: 2, mayHaveArrived: true, reportedAttempt: 1 };
      const there = await attempt({ script, context: { attempt: 2, heartbeatDetails: earlier } });
      const { max_ms } = scriptedService({ service: 'scripted' }).runtime.config.polling;
      expect(asFailure(there.error)).toMatchObject({ type: code, nonRetryable: false, nextRetryDelay: max_ms });
      expect(there.context.heartbeats.at(-1)?.details).toMatchObject({ failures: 2, mayHaveArrived: true });
      const never = await attempt({ script });
      expect(asFailure(never.error)).toMatchObject({ type: code, nonRetryable: true });
    },
  );

  const usedUp = {
    attempt: 4,
    heartbeatDetails: { requests: 3, failures: 3, lastMessage: 'Gone.', mayHaveArrived: true, reportedAttempt: 3 },
  };

  it('sends nothing more once its attempts are used up, but finds what an earlier one left at the service', async () => {
    const { answer, requests } = await attempt({ context: usedUp, script: { lookup: () => [RUNNING] } });
    expect(answer).toMatchObject({ externalId: 'x-k~1', requests: 4 });
    expect(requests).toEqual(['lookup']);
  });

  it('is RETRIES_EXHAUSTED only once the service is known not to have the job', async () => {
    const last = await attempt({
      script: { submit: () => fail({}) },
      context: { ...usedUp, heartbeatDetails: { ...usedUp.heartbeatDetails, failures: 2 } },
    });
    expect(asFailure(last.error)).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
    const blind = await attempt({ context: usedUp, script: { lookup: () => fail({}) } });
    expect(asFailure(blind.error)).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
    expect(blind.context.heartbeats.at(-1)?.details).toMatchObject({ failures: 3, lastMessage: 'Gone.' });
    const absent = await attempt({ context: usedUp });
    expect(asFailure(absent.error)).toMatchObject({
      type: 'RETRIES_EXHAUSTED',
      nonRetryable: true,
      message: '3 of 3 attempts failed; the last: Gone. scripted does not have the job.',
    });
    expect(mayHaveArrived(absent.error)).toBe(false);
    expect([blind.requests, absent.requests]).toEqual([['lookup'], ['lookup']]);
  });

  it('is RETRIES_EXHAUSTED at once where the service cannot be searched', async () => {
    const { error, requests } = await attempt({
      service: { lookup: false },
      script: { submit: () => fail({}) },
      context: { ...usedUp, heartbeatDetails: { ...usedUp.heartbeatDetails, failures: 2 } },
    });
    expect(asFailure(error)).toMatchObject({
      type: 'RETRIES_EXHAUSTED',
      message: '3 of 3 attempts failed; the last: The service answered 500.',
    });
    expect(mayHaveArrived(error)).toBe(true);
    expect(requests).toEqual(['submit']);
  });

  it('goes on when its report cannot be left: the next attempt assumes the worse', async () => {
    const { error } = await attempt({
      script: { submit: () => fail({}) },
      context: {
        acknowledgedHeartbeat: async () => {
          throw new Error('Temporal is away');
        },
      },
    });
    expect(asFailure(error)).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
  });

  it('fails as CONTRACT_VIOLATION on an answer that breaks the contract, saying that the job may be there', async () => {
    const { error } = await attempt({ script: { submit: () => ({ id: 7, status: 'RUNNING' }) } });
    expect(asFailure(error)).toMatchObject({ type: 'CONTRACT_VIOLATION', nonRetryable: true });
    expect(mayHaveArrived(error)).toBe(true);
  });

  it('fails as INTERNAL when the integration’s own code does', async () => {
    const { error } = await attempt({
      script: {
        submit: () => {
          throw new TypeError('mapper is undefined');
        },
      },
    });
    expect(asFailure(error)).toMatchObject({
      type: 'INTERNAL',
      nonRetryable: true,
      message: 'Integration code failed. TypeError: mapper is undefined',
    });
  });
});

describe('an attempt that is stopped', () => {
  it('before anything was sent ends as canceled', async () => {
    const controller = new AbortController();
    controller.abort(new CancelledFailure('stop'));
    const { error, requests } = await attempt({ context: { signal: controller.signal } });
    expect(error).toBeInstanceOf(CancelledFailure);
    expect(requests).toEqual([]);
  });

  it('after an earlier one may have arrived asks for another: what is there must be found out', async () => {
    const controller = new AbortController();
    controller.abort(new CancelledFailure('stop'));
    const { error, requests } = await attempt({
      context: {
        signal: controller.signal,
        attempt: 2,
        heartbeatDetails: { mayHaveArrived: true, reportedAttempt: 1 },
      },
    });
    expect(asFailure(error)).toMatchObject({ type: 'CANCELED', nonRetryable: false });
    expect(mayHaveArrived(error)).toBe(true);
    expect(requests).toEqual([]);
  });

  it('while its request is under way waits for the answer, which holds the id', async () => {
    let abort = (): void => undefined;
    const controller = new AbortController();
    abort = () => controller.abort();
    const { answer } = await attempt({
      script: {
        submit: (_, signal) => {
          abort();
          expect(signal.aborted).toBe(false);
          return RUNNING;
        },
      },
      context: { signal: controller.signal },
    });
    expect(answer?.externalId).toBe('x-k~1');
  });
});

describe('a submit to a service without idempotency', () => {
  it('is announced, acknowledged, before it is sent', async () => {
    let announced: unknown;
    const fake = fakeContext();
    await attempt({
      service: NONE,
      context: fake,
      script: {
        submit: () => {
          announced = fake.heartbeats.findLast(({ acknowledged }) => acknowledged)?.details;
          return RUNNING;
        },
      },
    });
    expect(announced).toMatchObject({ mayHaveArrived: true, underWayAtMs: NOW });
  });

  it('is not sent when Temporal does not take note, and is tried again', async () => {
    const { error, requests } = await attempt({
      service: NONE,
      context: {
        acknowledgedHeartbeat: async () => {
          throw new Error('away');
        },
      },
    });
    expect(asFailure(error)).toMatchObject({ type: 'TEMPORAL_UNREACHABLE', nonRetryable: false });
    expect(mayHaveArrived(error)).toBe(false);
    expect(requests).toEqual([]);
  });

  const lost = (underWayAtMs: number, reportedAttempt = 1) => ({
    attempt: 2,
    heartbeatDetails: { requests: 1, failures: 1, mayHaveArrived: true, underWayAtMs, reportedAttempt },
  });

  it('that may have arrived is looked up, and found', async () => {
    const { answer, requests } = await attempt({
      service: { ...NONE, lookup: { settleMs: 1_000 } },
      context: lost(NOW - 1_000),
      script: { lookup: () => [RUNNING] },
    });
    expect(answer).toMatchObject({ externalId: 'x-k~1', requests: 2 });
    expect(requests).toEqual(['lookup']);
  });

  it('is sent again only when it is certainly not there', async () => {
    const { answer, requests } = await attempt({
      service: { ...NONE, lookup: { settleMs: 1_000 } },
      context: lost(NOW - 1_000),
    });
    expect(answer).toMatchObject({ requests: 3 });
    expect(requests).toEqual(['lookup', 'submit']);
  });

  it('is not even looked up before it would certainly be found', async () => {
    const { error, requests } = await attempt({
      service: { ...NONE, lookup: { settleMs: 60_000 } },
      context: lost(NOW - 10_000),
    });
    expect(asFailure(error)).toMatchObject({ type: 'AMBIGUOUS_SUBMIT', nonRetryable: false, nextRetryDelay: 50_000 });
    expect(requests).toEqual([]);
  });

  it('waits longer after a crash, whose time is known only from its last heartbeat', async () => {
    const { error } = await attempt({
      service: { ...NONE, lookup: { settleMs: 60_000 } },
      context: lost(NOW - 10_000, 0),
    });
    expect(asFailure(error).nextRetryDelay).toBe(55_000);
  });

  it('that died before it was announced was never sent', async () => {
    const { answer, requests } = await attempt({
      service: { ...NONE, lookup: false },
      context: {
        attempt: 2,
        heartbeatDetails: { requests: 0, failures: 0, mayHaveArrived: false, reportedAttempt: 0 },
      },
    });
    expect(answer).toMatchObject({ externalId: 'x-k~1' });
    expect(requests).toEqual(['submit']);
  });

  it('is AMBIGUOUS_SUBMIT where it may have arrived and cannot be looked up', async () => {
    const crashed = await attempt({ service: { ...NONE, lookup: false }, context: lost(NOW - 60_000, 0) });
    expect(asFailure(crashed.error)).toMatchObject({ type: 'AMBIGUOUS_SUBMIT', nonRetryable: true });
    expect(crashed.requests).toEqual([]);
    const reset = await attempt({ service: { ...NONE, lookup: false }, script: { submit: () => fail({}) } });
    expect(asFailure(reset.error)).toMatchObject({ type: 'AMBIGUOUS_SUBMIT', nonRetryable: true });
    expect(mayHaveArrived(reset.error)).toBe(true);
  });
});

describe('a duplicate the service reports without showing it', () => {
  const duplicate = () => fail({ code: 'CONFLICT', retryable: false, arrival: 'accepted', conflict: 'duplicate' });

  it('is found by our reference', async () => {
    const { answer, requests } = await attempt({ script: { submit: duplicate, lookup: () => [RUNNING] } });
    expect(answer?.externalId).toBe('x-k~1');
    expect(requests).toEqual(['submit', 'lookup']);
  });

  it('is the failure it was reported as where it cannot be found', async () => {
    const { error } = await attempt({ script: { submit: duplicate } });
    expect(asFailure(error)).toMatchObject({ type: 'CONFLICT', nonRetryable: true });
  });
});

describe('an admission that no longer holds', () => {
  const submitWith = async (control: object, context: Partial<ActivityContext> = {}) => {
    const scripted = scriptedService({ service: 'scripted' });
    const { submitJob } = createSubmitActivities({
      services: { get: () => scripted.runtime, has: () => false },
      readControl: async () => ({ ...INITIAL_CONTROL, enabled: true, revision: 5, ...control }),
      openInputFile: async () => Promise.reject(new Error('no files here')),
      now: () => NOW,
      random: () => 0,
      context: () => fakeContext(context),
    });
    return submitJob({
      service: 'scripted',
      key: KEY,
      generation: 1,
      unit: 'u',
      input: { text: 'work' },
      route: 'live',
      revision: 4,
      deadlineAtMs: NOW + 60_000,
    });
  };

  it('is asked for again, unsent', async () => {
    await expect(submitWith({ enabled: false })).rejects.toMatchObject({ type: 'Readmit', nonRetryable: true });
    await expect(submitWith({ deny: ['u'] })).rejects.toMatchObject({ type: 'Readmit' });
  });

  it('stands where the change would not decide otherwise, or the service may have the job already', async () => {
    expect(await submitWith({ deny: ['someone else'] })).toMatchObject({ externalId: 'x-k~1' });
    const mayBeThere = { attempt: 2, heartbeatDetails: { mayHaveArrived: true, reportedAttempt: 1 } };
    expect(await submitWith({ enabled: false }, mayBeThere)).toMatchObject({ externalId: 'x-k~1' });
  });
});
