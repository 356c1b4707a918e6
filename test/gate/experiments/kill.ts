import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { killGate, restoreGate } from '../../../src/client/control.ts';
import { until } from '../../helpers/until.ts';
import { SERVICE } from '../lab/gated.ts';
import { BECAUSE, startLab, type Environment } from '../lab/lab.ts';
import { startLoadGenerator } from '../lab/load.ts';
import { traffic } from '../lab/sandbox.ts';

/** What the kill switch did. */
export interface Killed {
  /** When the last request arrived, in milliseconds after the switch was thrown; below 0: before it. */
  readonly lastMs: number;
  /** Requests in the seconds after that. */
  readonly whileShut: number;
  /** From opening to the first request. */
  readonly resumedMs: number;
  readonly asked: number;
  /** Jobs that were completed afterwards. */
  readonly completed: number;
  readonly refused: number;
  readonly worstSecond: number;
}

/** Throws the kill switch while the queue is flooded, and opens it again. `wedged`: no workflow code works any more, so by force. */
export async function kill(
  env: Environment,
  options: { readonly cap: number; readonly jobs: number; readonly flood: number; readonly wedged: boolean },
): Promise<Killed> {
  const { cap, jobs, flood, wedged } = options;
  const { client, address, namespace } = env;
  const latency = { rules: [{ kind: 'latency' as const, ms: 20 }] };
  const lab = await startLab({
    ...env,
    cap,
    workers: wedged ? 1 : 3,
    sandbox: { processing: { minMs: 100, maxMs: 300 }, faults: latency },
  });
  const load = await startLoadGenerator(client, address, namespace);
  const name = wedged ? 'forced' : 'killed';
  try {
    const sound = await lab.newHolder();
    await lab.startJobs(name, jobs);
    await load.add(`${name}-flood`, { service: SERVICE, count: flood, unit: 'flood' }, 1);
    await sleep(1_000);
    if (wedged) {
      const bundle = `${env.bundle}.wedged.js`;
      const workflowsPath = fileURLToPath(new URL('../lab/no-workflows.ts', import.meta.url));
      await writeFile(bundle, (await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') })).code);
      await lab.addWorker({ bundle });
      sound.signal('SIGKILL');
      await lab.newHolder(sound);
      await sleep(1_000);
    }
    const before = await lab.sandbox.seq();
    await until('the flood is being sent', async () => (await lab.sandbox.seq()) > before + 2 * cap, 30_000);

    const thrownMs = Date.now();
    await killGate(client, SERVICE, BECAUSE, { force: wedged });
    await sleep(6_000);
    const seen = await lab.sandbox.requests();
    const lastMs = (seen.at(-1)?.at ?? 0) - thrownMs;
    const whileShut = seen.filter(({ at }) => at > thrownMs + 2_000).length;

    if (wedged) {
      for (const worker of lab.workers.values()) worker.signal('SIGKILL');
      await lab.addWorker();
    }
    const openedMs = Date.now();
    await restoreGate(client, SERVICE, BECAUSE);
    await until('something is sent again', async () => (await lab.sandbox.seq()) > (seen.at(-1)?.seq ?? 0), 30_000);
    const firstMs = (await lab.sandbox.requests(seen.at(-1)?.seq)).at(0)?.at ?? Infinity;
    await until('all jobs are done', async () => (await lab.countJobs(name, 'Completed')) === jobs, 180_000);
    const { refused, worstSecond } = traffic(await lab.sandbox.requests());
    const completed = await lab.countJobs(name, 'Completed');
    return { lastMs, whileShut, resumedMs: firstMs - openedMs, asked: jobs, completed, refused, worstSecond };
  } finally {
    await lab.close();
    await load.close();
  }
}
