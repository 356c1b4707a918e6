import { expect, it } from '@jest/globals';
import { terminateAll } from '../helpers/job-worker.ts';
import { connectToServer, sharedAddress, testNamespace, workflowBundlePath } from '../helpers/temporal.ts';
import { interfere } from './lab/interfere.ts';
import { audit, IN_OUR_TIME, whileDisturbed } from './lab/interleavings.ts';
import { startRollingWorkers, type RollingWorkerArguments } from './lab/rolling-workers.ts';

const SEEDS = 10;

it(`in ${SEEDS} interleavings of people, a killed worker and continue-as-new the weight rises only by a passed stage`, async () => {
  const namespace = testNamespace();
  const { client, close } = await connectToServer(undefined, namespace);
  const workers = await startRollingWorkers(
    'rolling-worker.ts',
    { address: sharedAddress(), namespace, bundle: workflowBundlePath() } satisfies RollingWorkerArguments,
    1,
  );
  try {
    let kills = 0;
    const interfered = await whileDisturbed(
      2_000,
      async () => {
        if ((kills += 1) === 1) await workers.kill();
      },
      () =>
        Promise.all(Array.from({ length: SEEDS }, (_, nth) => interfere(client, 'interfered', 1 + nth, IN_OUR_TIME))),
    );
    const { torn, wrong, rises, runs } = await audit(client, interfered);
    expect(torn).toBe(0);
    expect(wrong).toEqual([]);
    expect(rises).toBeGreaterThan(0);
    expect(runs).toBeGreaterThan(SEEDS);
  } finally {
    await terminateAll(client);
    await workers.close();
    await close();
  }
}, 120_000);
