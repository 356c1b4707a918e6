import { expect, it } from '@jest/globals';
import { isGrpcDeadlineError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { rolloutWorkflowId } from '../../src/contracts/rollout.ts';
import { createTimeSkippingEnvironment, workflowBundlePath } from '../helpers/temporal.ts';
import { interfere } from './lab/interfere.ts';
import { audit, whileDisturbed, type Audit } from './lab/interleavings.ts';
import { startRollingWorkers } from './lab/rolling-workers.ts';
import { passTime, WedgedError, type SkippingWorkerArguments } from './lab/skipping.ts';

const INTERLEAVINGS = 200;
const SERVERS = 8;
/** What takes a second otherwise takes so many of the rollout's. */
const PACE = 100;
const NAME = 'skipped';
/** One takes ten seconds as a rule, and twenty more for each kill. */
const PATIENCE_MS = 180_000;

interface Found {
  readonly audits: readonly Audit[];
  /** Rollouts that the server would not go on with. */
  readonly wedged: number;
  /** Rollouts of which it lost a part of a history. */
  readonly torn: number;
  /** How much of its time has passed. */
  readonly livedMs: number;
}

/** Seeds for as many interleavings as can be judged. */
class Seeds {
  #latest = 0;
  #left = INTERLEAVINGS;

  next(): number | undefined {
    if (this.#left === 0) return undefined;
    this.#left -= 1;
    return (this.#latest += 1);
  }

  /** One more, for one that cannot be judged. */
  another(): void {
    this.#left += 1;
  }
}

/** One interleaving after the other, as long as there are some left to do. */
async function interfereOn(env: TestWorkflowEnvironment, seeds: Seeds): Promise<Found> {
  const audits: Audit[] = [];
  let [wedged, torn, livedMs] = [0, 0, 0];
  for (let one = seeds.next(); one !== undefined; one = seeds.next()) {
    const rolloutId = rolloutWorkflowId(`${NAME}-${one}`);
    const beganMs = await env.currentTimeMs();
    const around = {
      nowMs: () => env.currentTimeMs(),
      sleep: (ms: number) => passTime(env, rolloutId, ms),
      pace: PACE,
      tells: false,
    };
    try {
      const found = await env.connection.withDeadline(Date.now() + PATIENCE_MS, async () =>
        audit(env.client, [await interfere(env.client, NAME, one, around)]),
      );
      if (found.torn === 0) {
        audits.push(found);
        livedMs += (await env.currentTimeMs()) - beganMs;
      } else {
        torn += 1;
        seeds.another();
      }
    } catch (error) {
      if (!(error instanceof WedgedError || isGrpcDeadlineError(error))) throw error;
      wedged += 1;
      seeds.another();
      if (!(await isAlive(env))) break; // Others do what is left.
    }
  }
  return { audits, wedged, torn, livedMs };
}

async function isAlive(env: TestWorkflowEnvironment): Promise<boolean> {
  const { client, connection } = env;
  const asked = connection.withDeadline(Date.now() + 5_000, () =>
    client.workflow.start('none', { workflowId: 'alive', taskQueue: 'none' }),
  );
  return asked.then(
    async (handle) => {
      await handle.terminate();
      return true;
    },
    () => false,
  );
}

it(`in ${INTERLEAVINGS} interleavings of people, killed workers and continue-as-new on skipped time the weight rises only by a passed stage`, async () => {
  const envs = await Promise.all(Array.from({ length: SERVERS }, createTimeSkippingEnvironment));
  const told: SkippingWorkerArguments = { addresses: envs.map(({ address }) => address), bundle: workflowBundlePath() };
  const workers = await startRollingWorkers('skipping-worker.ts', told, 1);
  try {
    let kills = 0;
    const beganMs = performance.now();
    const found = await whileDisturbed(
      25_000,
      async () => {
        kills += 1;
        await workers.kill();
      },
      () => {
        const seeds = new Seeds();
        return Promise.all(envs.map((env) => interfereOn(env, seeds)));
      },
    );
    const tookMs = performance.now() - beganMs;
    const audits = found.flatMap((one) => one.audits);
    const sum = (what: (one: Audit) => number): number => audits.reduce((total, one) => total + what(one), 0);
    const ofAll = (what: (one: Found) => number): number => found.reduce((total, one) => total + what(one), 0);
    const unjudged = ofAll(({ wedged, torn }) => wedged + torn);
    const livedMs = ofAll((one) => one.livedMs);
    expect(audits.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(audits).toHaveLength(INTERLEAVINGS);
    expect(unjudged).toBeLessThan(INTERLEAVINGS / 5);
    // All that was meant to happen did, and time was skipped.
    for (const end of ['DONE', 'ABORTED', 'TERMINATED'] as const)
      expect(sum(({ ends }) => ends[end])).toBeGreaterThan(0);
    expect(kills).toBeGreaterThan(3);
    expect(sum(({ rises }) => rises)).toBeGreaterThan(INTERLEAVINGS / 2);
    expect(sum(({ runs }) => runs)).toBeGreaterThan(INTERLEAVINGS);
    expect(livedMs).toBeGreaterThan(5 * SERVERS * tookMs);
  } finally {
    await workers.close();
    await Promise.all(envs.map((env) => env.teardown()));
  }
}, 1_200_000);
