import { describe, expect, it } from '@jest/globals';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { z } from 'zod';
import { createReadActivities } from '../../src/activities/index.ts';
import type { ActivityContext } from '../../src/activities/activity-context.ts';
import type { ServiceRuntime } from '../../src/activities/index.ts';
import { JOB_PENDING, type PollRequest, type ReadActivities } from '../../src/contracts/activities.ts';
import { fakeContext } from '../helpers/fake-context.ts';
import { DONE, fail, RUNNING, scriptedService, type Script, type ScriptedServiceOptions } from '../helpers/scripted.ts';

const NOW = 1_000_000;
const request: PollRequest = {
  service: 'scripted',
  key: 'k',
  generation: 1,
  unit: 'u',
  externalId: 'x-k~1',
  route: 'live',
  deadlineAtMs: NOW + 3_600_000,
};

function read(
  script: Script,
  context: Partial<ActivityContext> = {},
  options: Partial<ScriptedServiceOptions> = {},
  change: (runtime: ServiceRuntime) => ServiceRuntime = (same) => same,
): ReadActivities & { readonly requests: () => string[] } {
  const scripted = scriptedService({
    service: 'scripted',
    config: 'polling: { grace_ms: 0, initial_ms: 1000, factor: 2, max_ms: 60000 }',
    ...options,
  });
  scripted.script('k', script);
  const runtime = change(scripted.runtime);
  const activities = createReadActivities({
    services: { get: () => runtime, has: () => false },
    now: () => NOW,
    random: () => 0.5,
    context: () => fakeContext(context),
  });
  return { ...activities, requests: () => scripted.requests('k') };
}

const failureOf = async (promise: Promise<unknown>): Promise<ApplicationFailure> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
};

describe('a poll', () => {
  it('that finds the job going on says when it looks next, later each time', async () => {
    const first = await failureOf(read({}).pollJob(request));
    expect(first).toMatchObject({
      type: JOB_PENDING,
      category: 'BENIGN',
      nonRetryable: false,
      nextRetryDelay: 1_000,
      message: 'x-k~1 is RUNNING; next look in 1.0 s.',
    });
    expect((await failureOf(read({}, { attempt: 4 }).pollJob(request))).nextRetryDelay).toBe(8_000);
  });

  it('ends with what the service says, and how often it was asked', async () => {
    expect(await read({ poll: () => DONE }, { attempt: 9 }).pollJob(request)).toEqual({
      observation: { state: 'COMPLETED', word: 'DONE', result: { text: 'done' } },
      polls: 9,
    });
  });

  it('that meets trouble comes again as often as need be, loudly', async () => {
    const error = await failureOf(read({ poll: () => fail({}) }, { attempt: 500 }).pollJob(request));
    expect(error).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false, nextRetryDelay: 60_000 });
    expect(error.category).not.toBe('BENIGN');
  });

  it('that is throttled waits as long as it is asked to, quietly', async () => {
    const throttled = { code: 'THROTTLED', throttled: true, retryAfterMs: 10_000 } as const;
    const error = await failureOf(read({ poll: () => fail(throttled) }).pollJob(request));
    expect(error).toMatchObject({ type: 'THROTTLED', category: 'BENIGN', nextRetryDelay: 10_500 });
  });

  it('ends where the answer breaks the contract, or is about another job', async () => {
    const mistyped = await failureOf(read({ poll: () => ({ status: 5 }) }).pollJob(request));
    expect(mistyped).toMatchObject({ type: 'CONTRACT_VIOLATION', nonRetryable: true });
    expect(mistyped.message).toContain('status');
    const other = await failureOf(read({ poll: () => ({ ...DONE, id: 'y' }) }).pollJob(request));
    expect(other).toMatchObject({
      type: 'CONTRACT_VIOLATION',
      message: 'Asked scripted for x-k~1, it answered for y.',
    });
    const noResult = await failureOf(read({ poll: () => ({ status: 'DONE' }) }).pollJob(request));
    expect(noResult).toMatchObject({ type: 'CONTRACT_VIOLATION', nonRetryable: true });
  });

  it('that is canceled says so rather than what broke', async () => {
    const canceled = read({ poll: () => fail({ code: 'CANCELED' }) }, { signal: AbortSignal.abort() });
    await expect(canceled.pollJob(request)).rejects.toBeInstanceOf(CancelledFailure);
  });

  it('asks for the result apart where the status does not carry it', async () => {
    const withFetch = (runtime: ServiceRuntime): ServiceRuntime => ({
      ...runtime,
      integration: {
        ...runtime.integration,
        fetch: {
          request: ({ externalId }) => ({ method: 'GET', path: `/results/${externalId}` }),
          response: z.object({ id: z.string(), text: z.string() }),
          read: (body: { readonly text: string }) => ({ text: body.text }),
        },
      },
    });
    const fetching = read({ poll: () => ({ status: 'DONE' }), fetch: () => ({ text: 'apart' }) }, {}, {}, withFetch);
    expect((await fetching.pollJob(request)).observation.result).toEqual({ text: 'apart' });
    expect(fetching.requests()).toEqual(['poll', 'fetch']);
    const going = read({ poll: () => RUNNING }, {}, {}, withFetch);
    await failureOf(going.pollJob(request));
    expect(going.requests()).toEqual(['poll']);
  });
});

describe('a fetch', () => {
  it('looks close together, and hands over to the poll after six looks', async () => {
    const third = await failureOf(read({}, { attempt: 3 }).fetchResult(request));
    expect(third).toMatchObject({ type: JOB_PENDING, nextRetryDelay: 1_000 });
    expect(await read({}, { attempt: 6 }).fetchResult(request)).toEqual({
      observation: { state: 'PROCESSING', word: 'RUNNING' },
      polls: 6,
    });
  });

  it.each([
    ['waiting for its next attempt', { attempt: 5, running: false, lastMayHaveArrived: false }, 4],
    ['under way', { attempt: 5, running: true, lastMayHaveArrived: false }, 5],
    ['over', undefined, 0],
  ])('counts the requests of a poll that is %s', async (_, pending, earlier) => {
    const fetching = read({ poll: () => DONE }, { attempt: 2, pendingActivity: async () => pending });
    expect((await fetching.fetchResult({ ...request, earlierPollActivityId: 'poll' })).polls).toBe(2 + earlier);
  });
});

describe('a cancellation', () => {
  const byReference = { ...request, externalId: null };

  it('comes again after trouble, and when it was asked to', async () => {
    expect(await failureOf(read({ cancel: () => fail({}) }).cancelJob(request))).toMatchObject({
      type: 'SERVICE_UNAVAILABLE',
      nextRetryDelay: 25,
    });
    const asked = await failureOf(read({ cancel: () => fail({ retryAfterMs: 1_000 }) }).cancelJob(request));
    expect(asked.nextRetryDelay).toBe(1_125);
  });

  it('translates what goes wrong while it looks why it was refused', async () => {
    const refused = { code: 'CONFLICT', retryable: false, arrival: 'refused' } as const;
    const activities = read({ cancel: () => fail(refused), poll: () => ({ status: 'ODD' }) });
    expect(await failureOf(activities.cancelJob(request))).toMatchObject({
      type: 'UNKNOWN_STATUS',
      nonRetryable: true,
    });
  });

  it('of a job known by our reference finds it first, or that there is none', async () => {
    const found = read({ lookup: () => [RUNNING] });
    expect(await found.cancelJob(byReference)).toEqual({
      externalId: 'x-k~1',
      observation: { state: 'CANCELED', word: 'STOPPED' },
    });
    expect(found.requests()).toEqual(['lookup', 'cancel']);
    expect(await read({}).cancelJob(byReference)).toEqual({ externalId: null, observation: null });
  });

  it('of such a job fails where the service cannot be searched', async () => {
    const error = await failureOf(read({}, {}, { lookup: false }).cancelJob(byReference));
    expect(error).toMatchObject({ type: 'AMBIGUOUS_SUBMIT', nonRetryable: true });
  });

  it('can itself be canceled', async () => {
    const activities = read({ cancel: () => fail({ code: 'CANCELED' }) }, { signal: AbortSignal.abort() });
    await expect(activities.cancelJob(request)).rejects.toBeInstanceOf(CancelledFailure);
  });
});
