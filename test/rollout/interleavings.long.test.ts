import { expect, it } from '@jest/globals';
import { terminateAll } from '../helpers/job-worker.ts';
import { connectToServer, sharedAddress, testNamespace, workflowBundlePath } from '../helpers/temporal.ts';
import { interfere } from './lab/interfere.ts';
import { audit, IN_OUR_TIME, whileDisturbed, type Audit } from './lab/interleavings.ts';
import { startRollingWorkers, type RollingWorkerArguments } from './lab/rolling-workers.ts';

const WAVES = 4;
const SEEDS_PER_WAVE = 50;
const SEEDS = WAVES * SEEDS_PER_WAVE;

async function wave(nth: number): Promise<Audit> {
  const namespace = testNamespace();
  const { client, close } = await connectToServer(undefined, namespace);
  const workers = await startRollingWorkers(
    'rolling-worker.ts',
    { address: sharedAddress(), namespace, bundle: workflowBundlePath() } satisfies RollingWorkerArguments,
    2,
  );
  try {
    const firstSeed = 1 + nth * SEEDS_PER_WAVE;
    const interfered = await whileDisturbed(
      25_000,
      (time) => (time % 3 === 2 ? workers.replace() : workers.kill()),
      () =>
        Promise.all(
          Array.from({ length: SEEDS_PER_WAVE }, (_, more) =>
            interfere(client, 'interfered', firstSeed + more, IN_OUR_TIME),
          ),
        ),
    );
    return await audit(client, interfered);
  } finally {
    await terminateAll(client);
    await workers.close();
    await close();
  }
}

it(`in ${SEEDS} interleavings of people, killed workers and continue-as-new the weight rises only by a passed stage`, async () => {
  const audits: Audit[] = [];
  for (let nth = 0; nth < WAVES; nth += 1) {
    audits.push(await wave(nth));
  }
  expect(audits.map(({ torn }) => torn)).toEqual(audits.map(() => 0));
  expect(audits.flatMap(({ wrong }) => wrong)).toEqual([]);
  // All that was meant to happen did.
  const sum = (what: (one: Audit) => number): number => audits.reduce((total, one) => total + what(one), 0);
  expect(sum(({ ends }) => ends.DONE + ends.ABORTED + ends.TERMINATED)).toBe(SEEDS);
  for (const end of ['ABORTED', 'TERMINATED'] as const) expect(sum(({ ends }) => ends[end])).toBeGreaterThan(0);
  expect(sum(({ rises }) => rises)).toBeGreaterThan(SEEDS / 10);
  expect(sum(({ runs }) => runs)).toBeGreaterThan(SEEDS);
  expect(sum(({ hit }) => hit)).toBeGreaterThan(0);
}, 900_000);
