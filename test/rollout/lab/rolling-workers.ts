import { startProcess, type LabProcess } from '../../gate/lab/worker-process.ts';

/** What a rolling worker is told. */
export interface RollingWorkerArguments {
  readonly address: string;
  readonly namespace: string;
  /** Path of the workflow bundle. */
  readonly bundle: string;
}

/** Worker processes that others stand by for. */
export interface RollingWorkers {
  /** `kill -9` of every worker at once; others take over. */
  readonly kill: () => Promise<void>;
  /** Each ends in order, and another takes over. */
  readonly replace: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts as many processes of `test/rollout/processes` as wanted, and as many that stand by. */
export async function startRollingWorkers(file: string, told: object, wanted: number): Promise<RollingWorkers> {
  const start = (): Promise<LabProcess[]> =>
    Promise.all(
      Array.from({ length: wanted }, () => startProcess(`../../rollout/processes/${file}`, told, 'stands by')),
    );
  let working = await start();
  for (const worker of working) worker.signal('SIGUSR2');
  let standby = start();
  const next = async (signal: NodeJS.Signals): Promise<void> => {
    const [leaving, coming] = [working, await standby];
    for (const worker of leaving) worker.signal(signal);
    if (signal === 'SIGKILL') await Promise.all(leaving.map(({ ended }) => ended));
    for (const worker of coming) worker.signal('SIGUSR2');
    working = coming;
    await Promise.all(leaving.map(({ ended }) => ended));
    standby = start();
  };
  return {
    kill: () => next('SIGKILL'),
    replace: () => next('SIGTERM'),
    close: async () => {
      const all = [...working, ...(await standby)];
      for (const worker of all) worker.signal('SIGKILL');
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
