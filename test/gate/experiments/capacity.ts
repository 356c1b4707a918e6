import { readFile } from 'node:fs/promises';
import { MOST_PER_SECOND } from '../../../src/definition/config-rules.ts';
import { until } from '../../helpers/until.ts';
import { SERVICE } from '../lab/gated.ts';
import { startLab, type Environment } from '../lab/lab.ts';
import { startLoadGenerator } from '../lab/load.ts';
import { traffic } from '../lab/sandbox.ts';
import { QUIET_WORK } from './steady.ts';

/** What one process sends when nothing holds it back. */
export interface Capacity {
  readonly sent: number;
  /** Requests per second in the best 5 s. */
  readonly perSecond: number;
  readonly worstSecond: number;
  /** Processor time of the sending process for each request, in milliseconds: what bounds it where the server is elsewhere. */
  readonly cpuMsPerRequest: number;
}

/** Clock ticks of Linux, in milliseconds. */
const TICK_MS = 10;

/** User and system time of a process so far. */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export async function capacity(env: Environment, submits: number): Promise<Capacity> {
  const cap = MOST_PER_SECOND;
  const lab = await startLab({ ...env, cap, workers: 1, sandbox: { ...QUIET_WORK, limit: { rate: cap } } });
  const load = await startLoadGenerator(env.client, env.address, env.namespace);
  try {
    const { pid } = await lab.newHolder();
    const before = await cpuMs(pid);
    await load.add('capacity', { service: SERVICE, count: 250, unit: 'unit' }, submits / 250);
    await until('all are sent', async () => traffic(await lab.sandbox.requests()).jobs === submits, 240_000);
    const seen = await lab.sandbox.requests();
    const { sent, worstSecond } = traffic(seen);
    const cpuMsPerRequest = ((await cpuMs(pid)) - before) / sent;
    return { sent, perSecond: traffic(seen, 5_000).worstSecond / 5, worstSecond, cpuMsPerRequest };
  } finally {
    await lab.close();
    await load.close();
  }
}
