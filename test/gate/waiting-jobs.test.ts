import { afterEach, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { startWaitingJobs, type WaitingJobs } from '../../src/workers/gate/waiting-jobs.ts';
import { until } from '../helpers/until.ts';

let started: WaitingJobs | undefined;
afterEach(async () => started?.stop());

/** 200 jobs wait at a cap of 100 per second. */
function start(sweep: Parameters<typeof startWaitingJobs>[0]['sweep'], count = async () => 200) {
  const warnings: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
  const rate = () => ({ limit: 100, windowMs: 1_000 });
  const waitingJobs = startWaitingJobs({ service: 'docproc', count, sweep, rate, spacingMs: 10, logger });
  started = waitingJobs;
  return { waitingJobs, warnings };
}

describe('the jobs that wait', () => {
  it('are polled no more often than all of them together may be', async () => {
    const { waitingJobs } = start(undefined);
    expect(waitingJobs.leastPollMs()).toBe(10);
    await until('they are counted', () => waitingJobs.waiting() === 200);
    expect(waitingJobs.leastPollMs()).toBe(4_000);
  });

  it('are polled ten times less while sweeps find what has changed, and as before when these fail, with one warning', async () => {
    const world = { isBroken: false, passes: 0, skips: 0 };
    const { waitingJobs, warnings } = start({
      pass: async () => {
        world.passes += 1;
        if (world.isBroken) throw new Error('no list today');
      },
      skip: () => {
        world.skips += 1;
      },
    });
    await until('a sweep succeeded', () => waitingJobs.leastPollMs() === 40_000);
    world.isBroken = true;
    await until('a sweep failed', () => waitingJobs.leastPollMs() === 4_000);
    const passes = world.passes;
    await until('it is tried again', () => world.passes > passes);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('The list of docproc cannot be swept');
  });

  it('are not looked for in the list while there are none', async () => {
    let skips = 0;
    const pass = async () => {
      throw new Error('must not be called');
    };
    const { warnings } = start({ pass, skip: () => void (skips += 1) }, async () => 0);
    await until('it was skipped', () => skips > 1);
    expect(warnings).toEqual([]);
  });

  it('are as many as were counted last while they cannot be counted', async () => {
    let isAway = false;
    const { waitingJobs } = start(undefined, async () => {
      if (isAway) throw new Error('Temporal is away');
      isAway = true;
      return 200;
    });
    await until('they are counted', () => waitingJobs.waiting() === 200);
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    expect(waitingJobs.waiting()).toBe(200);
  });
});
