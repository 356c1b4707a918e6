import { setTimeout as sleep } from 'node:timers/promises';
import { killGate, restoreGate } from '../../../src/client/control.ts';
import { BECAUSE, startLab, type Environment } from '../lab/lab.ts';
import { SERVICE } from '../lab/gated.ts';
import { startLoadGenerator } from '../lab/load.ts';
import { startTcpProxy } from '../../helpers/tcp-proxy.ts';
import { traffic } from '../lab/sandbox.ts';
import { QUIET_WORK } from './steady.ts';

/** What became of sending when something happened to the holder. */
export interface Failover {
  /** From the event to the end of the longest pause after it. */
  readonly resumedMs: number;
  readonly refused: number;
  readonly worstSecond: number;
  readonly duplicates: number;
  /** Bytes the former holder sent after another had begun, in milliseconds after that; 0 when none. */
  readonly lateMs: number;
  /** Jobs asked for and jobs made, once all was quiet; equal when none was lost. */
  readonly asked: number;
  readonly made: number;
}

/** What happens to the holder. `freeze-and-kill`: the kill switch is thrown while it is frozen, and it wakes up then. */
export type Mishap = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'freeze-and-kill' | 'cut-off';

/** Lets something happen to the holder while a backlog waits, and watches what is sent. */
export async function failover(env: Environment, mishap: Mishap, cap: number, jobs: number): Promise<Failover> {
  const lab = await startLab({ ...env, cap, workers: 0, sandbox: QUIET_WORK });
  const load = await startLoadGenerator(env.client, env.address, env.namespace);
  const toTemporal = await startTcpProxy(env.address);
  const toService = await startTcpProxy(lab.sandbox.url.replace('http://', ''));
  try {
    const first = await lab.addWorker({ temporal: toTemporal.address, service: `http://${toService.address}` });
    await lab.newHolder();
    const others = await Promise.all([lab.addWorker(), lab.addWorker()]);
    const begunMs = (): number => {
      const line = others.flatMap(({ lines }) => lines).find((text) => text.includes('This process holds the gate'));
      return line === undefined ? 0 : (JSON.parse(line) as { time: number }).time;
    };
    await load.add(`failover-${mishap}`, { service: SERVICE, count: jobs, unit: 'unit' }, 1);
    await sleep(3_000);

    const atMs = Date.now();
    let killedMs = Infinity;
    if (mishap === 'cut-off') toTemporal.block();
    else first.signal(mishap === 'freeze-and-kill' ? 'SIGSTOP' : mishap);
    if (mishap === 'freeze-and-kill') {
      await sleep(500);
      await killGate(env.client, SERVICE, BECAUSE);
      killedMs = Date.now();
      await sleep(4_000);
      first.signal('SIGCONT');
      await sleep(3_000);
    } else {
      await sleep(10_000);
      first.signal('SIGCONT');
      toTemporal.unblock();
      await sleep(2_000);
    }
    const watched = (await lab.sandbox.requests()).map(({ at }) => at);
    const longest = watched
      .map((at, index) => ({ at, gapMs: at - (watched[index - 1] ?? at) }))
      .filter(({ at }) => at > atMs)
      .reduce((most, each) => (each.gapMs > most.gapMs ? each : most), { at: atMs, gapMs: 0 });
    const lateFromMs = killedMs < Infinity ? killedMs + 2_000 : begunMs();
    const lateMs = lateFromMs > 0 && mishap !== 'SIGTERM' ? Math.max(0, toService.lastSentMs() - lateFromMs) : 0;
    if (killedMs < Infinity) await restoreGate(env.client, SERVICE, BECAUSE);
    await env.client.workflow.getHandle(`failover-${mishap}-0`).result();
    const seen = traffic(await lab.sandbox.requests());
    const { refused, worstSecond, duplicates } = seen;
    return { resumedMs: longest.at - atMs, refused, worstSecond, duplicates, lateMs, asked: jobs, made: seen.jobs };
  } finally {
    await lab.close();
    await load.close();
    await Promise.all([toTemporal.close(), toService.close()]);
  }
}
