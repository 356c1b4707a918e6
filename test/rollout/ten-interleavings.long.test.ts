import { expect, it } from '@jest/globals';
import { terminateAll } from '../helpers/job-worker.ts';
import { connectToServer, sharedAddress, testNamespace, workflowBundlePath } from '../helpers/temporal.ts';
import { audit, interleave } from './lab/interleavings.ts';
import { startRollingWorkers } from './lab/rolling-workers.ts';

const SEEDS = 10;

it(`in ${SEEDS} interleavings of people, a killed worker and continue-as-new the weight rises only by a passed stage`, async () => {
  const namespace = testNamespace();
  const { client, close } = await connectToServer(undefined, namespace);
  const workers = await startRollingWorkers({ address: sharedAddress(), namespace, bundle: workflowBundlePath() }, 1);
  try {
    let kills = 0;
    const interfered = await interleave({
      client,
      name: 'interfered',
      firstSeed: 1,
      seeds: SEEDS,
      everyMs: 2_000,
      disturb: async () => {
        if ((kills += 1) === 1) await workers.kill();
      },
    });
    const { wrong, rises, runs } = await audit(client, interfered);
    expect(wrong).toEqual([]);
    expect(rises).toBeGreaterThan(0);
    expect(runs).toBeGreaterThan(SEEDS);
  } finally {
    await terminateAll(client);
    await workers.close();
    await close();
  }
}, 120_000);
