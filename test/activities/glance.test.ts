import { describe, expect, it, jest } from '@jest/globals';
import { createGlanceActivities } from '../../src/activities/index.ts';
import type { ServiceRuntime } from '../../src/activities/index.ts';
import type { ReadRequest } from '../../src/contracts/activities.ts';
import { fakeContext } from '../helpers/fake-context.ts';
import { DONE, fail, RUNNING, scriptedService, type Script } from '../helpers/scripted.ts';

const request: ReadRequest = {
  service: 'scripted',
  key: 'k',
  generation: 1,
  unit: 'u',
  externalId: 'x-k~1',
  route: 'live',
  deadlineAtMs: 1e12,
};
const NO_GLANCE = { observation: null, polls: 0 };

function glancing(script: Script, passesAtOnce: ServiceRuntime['passesAtOnce'] = () => true) {
  const scripted = scriptedService({ service: 'scripted' });
  scripted.script('k', script);
  const world = { nowMs: 1_000_000 };
  const activities = createGlanceActivities({
    services: { get: () => ({ ...scripted.runtime, passesAtOnce }), has: () => true },
    nowMs: () => world.nowMs,
    context: () => fakeContext({}),
  });
  return { world, glance: () => activities.glance(request), requests: () => scripted.requests('k') };
}

/** Never answers, but gives up as a request does. */
const never = async (_nth: number, signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('a glance', () => {
  it('tells what the service says', async () => {
    expect(await glancing({ poll: () => DONE }).glance()).toEqual({
      observation: { state: 'COMPLETED', word: 'DONE', result: { text: 'done' } },
      polls: 1,
    });
    expect(await glancing({ poll: () => RUNNING }).glance()).toMatchObject({
      observation: { state: 'PROCESSING' },
      polls: 1,
    });
  });

  it('sends nothing where the gate is held elsewhere or has no room', async () => {
    const { glance, requests } = glancing({ poll: () => DONE }, () => false);
    expect(await glance()).toEqual(NO_GLANCE);
    expect(requests()).toEqual([]);
  });

  it('leaves trouble to the fetch, which judges it, and counts what was sent', async () => {
    expect(await glancing({ poll: () => fail({}) }).glance()).toEqual({ observation: null, polls: 1 });
    expect(await glancing({ poll: () => ({ status: 5 }) }).glance()).toEqual({ observation: null, polls: 1 });
    const held = { code: 'THROTTLED', arrival: 'never', throttled: true } as const;
    expect(await glancing({ poll: () => fail(held) }).glance()).toEqual(NO_GLANCE);
  });

  it('sends nothing for a service this worker does not know', async () => {
    const { runtime } = scriptedService({ service: 'scripted' });
    const { glance } = createGlanceActivities({
      services: { get: () => runtime, has: () => false },
      nowMs: () => 0,
      context: () => fakeContext({}),
    });
    expect(await glance(request)).toEqual(NO_GLANCE);
  });

  it('takes a second at most, and a service that took longer is left alone for a while', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    try {
      const { world, glance, requests } = glancing({ poll: never });
      const slow = glance();
      await jest.advanceTimersByTimeAsync(999);
      const states = await Promise.race([slow, Promise.resolve('under way')]);
      expect(states).toBe('under way');
      await jest.advanceTimersByTimeAsync(1);
      expect(await slow).toEqual({ observation: null, polls: 1 });
      world.nowMs += 29_999;
      expect(await glance()).toEqual(NO_GLANCE);
      expect(requests()).toHaveLength(1);
      world.nowMs += 1;
      const again = glance();
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await again).toMatchObject({ polls: 1 });
    } finally {
      jest.useRealTimers();
    }
  });

  it('is one of eight at once at most: they hold what all services share', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    try {
      const { glance, requests } = glancing({ poll: never });
      const eight = Array.from({ length: 8 }, glance);
      expect(await glance()).toEqual(NO_GLANCE);
      expect(requests()).toHaveLength(8);
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await Promise.all(eight)).toEqual(Array.from({ length: 8 }, () => ({ observation: null, polls: 1 })));
    } finally {
      jest.useRealTimers();
    }
  });
});
