import { describe, expect, it } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { createReadActivities, createSubmitActivities } from '../../src/activities/index.ts';
import type { OutboundRequest } from '../../src/http/types.ts';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import { fakeContext } from '../helpers/fake-context.ts';
import { fail, RUNNING, scriptedService } from '../helpers/scripted.ts';

const NOW = 1_000_000;
const JOB = { service: 'scripted', key: 'k', generation: 1, unit: 'tenant-7', route: 'live' } as const;

async function failureOf(promise: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

describe('what the gate tells activities', () => {
  it.each([
    [true, 'SERVICE_UNAVAILABLE'],
    [false, 'RETRIES_EXHAUSTED'],
  ])('a third failure while the service is known to be down (%p) ends in %s', async (isDown, code) => {
    const { runtime, script } = scriptedService({ service: 'scripted', lookup: false });
    script('k', { submit: () => fail({}) });
    const context = fakeContext({ attempt: 3, heartbeatDetails: { requests: 2, failures: 2, reportedAttempt: 2 } });
    const { submitJob } = createSubmitActivities({
      services: { get: () => ({ ...runtime, isDown: () => isDown }), has: () => false },
      readControl: async () => ({ ...INITIAL_CONTROL, enabled: true }),
      openInputFile: () => Promise.reject(new Error('no files here')),
      now: () => NOW,
      random: () => 0,
      context: () => context,
    });
    const failure = await failureOf(
      submitJob({ ...JOB, input: { text: 'work' }, revision: 0, deadlineAtMs: NOW + 3_600_000 }),
    );
    expect(failure.type).toBe(code);
    expect(failure.nonRetryable).toBe(!isDown);
  });

  it('a poll comes back no sooner than all polls together may, and says whom it is for', async () => {
    const { runtime, script } = scriptedService({ service: 'scripted' });
    script('k', { poll: () => RUNNING });
    const sent: OutboundRequest[] = [];
    const send: typeof runtime.client.send = async (request, signal) => {
      sent.push(request);
      return runtime.client.send(request, signal);
    };
    const { pollJob } = createReadActivities({
      services: {
        get: () => ({ ...runtime, client: { ...runtime.client, send }, leastPollMs: () => 50_000 }),
        has: () => false,
      },
      now: () => NOW,
      random: () => 0.5,
      context: () => fakeContext({}),
    });
    const failure = await failureOf(
      pollJob({ ...JOB, tags: { team: 'a' }, externalId: 'x-k~1', deadlineAtMs: NOW + 3_600_000 }),
    );
    expect(failure.nextRetryDelay).toBe(50_000);
    expect(sent.map(({ owner }) => owner)).toEqual([{ unit: 'tenant-7', tags: { team: 'a' } }]);
  });
});
