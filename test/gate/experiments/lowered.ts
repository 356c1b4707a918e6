import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICE } from '../lab/gated.ts';
import { startLab, type Environment } from '../lab/lab.ts';
import { startLoadGenerator } from '../lab/load.ts';
import { QUIET_WORK } from './steady.ts';

/** What it took to follow a service that lowers its limit to a quarter and raises it again. */
export interface Lowered {
  readonly announced: boolean;
  /** Requests refused in the first 5 s after the limit fell, and after that while it was low. */
  readonly refusedAtFirst: number;
  readonly refusedLater: number;
  readonly lowSeconds: number;
  /** Share of the lowered limit that was used in the last 20 s of it. */
  readonly lowShare: number;
  /** From the raise until a 5 s window reached 95 % of the cap; Infinity when it never did. */
  readonly backAfterMs: number;
}

export async function lowered(
  env: Environment,
  { cap, announced, lowSeconds }: { readonly cap: number; readonly announced: boolean; readonly lowSeconds: number },
): Promise<Lowered> {
  const limit = { rate: cap, announce: announced, retryAfter: announced ? ('seconds' as const) : ('none' as const) };
  const lab = await startLab({ ...env, cap, workers: 3, sandbox: { ...QUIET_WORK, limit } });
  const load = await startLoadGenerator(env.client, env.address, env.namespace);
  try {
    await lab.newHolder();
    const workflows = Math.ceil((cap * (lowSeconds / 4 + 80)) / 250);
    await load.add(`lowered-${announced}`, { service: SERVICE, count: 250, unit: 'unit' }, workflows);
    await sleep(6_000);
    await lab.sandbox.faults({ limit: { ...limit, rate: cap / 4 } });
    const loweredMs = Date.now();
    await sleep(lowSeconds * 1_000);
    await lab.sandbox.faults({ limit });
    const raisedMs = Date.now();
    await sleep(62_000);
    const seen = await lab.sandbox.requests();
    const low = seen.filter(({ at }) => at >= loweredMs && at < raisedMs);
    const refused = low.filter(({ limited }) => limited);
    const admitted = seen.filter(({ limited }) => !limited).map(({ at }) => at);
    const inWindow = (fromMs: number, lengthMs: number): number =>
      admitted.filter((at) => at >= fromMs && at < fromMs + lengthMs).length;
    const starts = Array.from({ length: 114 }, (_, half) => raisedMs + half * 500);
    const back = starts.find((fromMs) => inWindow(fromMs, 5_000) >= 0.95 * cap * 5);
    return {
      announced,
      refusedAtFirst: refused.filter(({ at }) => at < loweredMs + 5_000).length,
      refusedLater: refused.filter(({ at }) => at >= loweredMs + 5_000).length,
      lowSeconds,
      lowShare: inWindow(raisedMs - 20_000, 20_000) / ((cap / 4) * 20),
      backAfterMs: back === undefined ? Infinity : back - raisedMs,
    };
  } finally {
    await lab.close();
    await load.close();
  }
}
