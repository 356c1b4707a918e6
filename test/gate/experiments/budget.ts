import { setTimeout as sleep } from 'node:timers/promises';
import { changeControl, killGate, restoreGate } from '../../../src/client/control.ts';
import { until } from '../../helpers/until.ts';
import { gated, SERVICE } from '../lab/gated.ts';
import { BECAUSE, startLab, type Environment } from '../lab/lab.ts';
import { traffic } from '../lab/sandbox.ts';

/** What a budget held back. */
export interface Budgeted {
  readonly budgetJobs: number;
  readonly started: number;
  /** Jobs the service had when the budget was spent, when the gate had been closed and opened, and in the end. */
  readonly submitted: number;
  readonly afterReopening: number;
  readonly completed: number;
  readonly duplicates: number;
  readonly refused: number;
}

/** Starts more jobs than the budget pays for and kills the holder twice meanwhile; then closes, opens, and raises the budget. */
export async function budget(
  env: Environment,
  { cap, budgetJobs, jobs }: { readonly cap: number; readonly budgetJobs: number; readonly jobs: number },
): Promise<Budgeted> {
  const { client } = env;
  const price = gated.cost.perJobMicros;
  const lab = await startLab({
    ...env,
    cap,
    workers: 3,
    sandbox: { processing: { minMs: 100, maxMs: 300 }, faults: { rules: [{ kind: 'latency', ms: 20 }] } },
  });
  const setBudget = async (dailyMicros: number) =>
    changeControl(client, SERVICE, 'setBudget', { actor: 'lab', reason: 'an experiment', budget: { dailyMicros } });
  const made = async (): Promise<number> => traffic(await lab.sandbox.requests()).jobs;
  /** Waits until no job has been made for some seconds. */
  const quiet = async (): Promise<number> => {
    for (let before = -1, quietSinceMs = Date.now(); ;) {
      const now = await made();
      if (now !== before) quietSinceMs = Date.now();
      else if (Date.now() - quietSinceMs > 4_000) return now;
      before = now;
      await sleep(200);
    }
  };
  try {
    await lab.newHolder();
    await setBudget(budgetJobs * price);
    await sleep(2_500);
    const starting = lab.startJobs('budget', jobs);
    for (let time = 0, before = 0; time < 2; time += 1) {
      await until('some of it is spent', async () => (await made()) >= before + budgetJobs * 0.15, 120_000);
      const holder = await lab.newHolder();
      holder.signal('SIGKILL');
      await holder.ended;
      before = await made();
      await lab.addWorker();
      await lab.newHolder(holder);
    }
    await starting;
    const submitted = await quiet();
    await killGate(client, SERVICE, BECAUSE);
    await sleep(2_000);
    await restoreGate(client, SERVICE, BECAUSE);
    await sleep(3_000);
    const afterReopening = await quiet();
    await setBudget(2 * jobs * price);
    await until('all jobs are done', async () => (await lab.countJobs('budget', 'Completed')) === jobs, 240_000);
    const { duplicates, refused } = traffic(await lab.sandbox.requests());
    const completed = await lab.countJobs('budget', 'Completed');
    return { budgetJobs, started: jobs, submitted, afterReopening, completed, duplicates, refused };
  } finally {
    await lab.close();
  }
}
