import { setTimeout as sleep } from 'node:timers/promises';
import { startLoadGenerator } from '../lab/load.ts';
import { startLab } from '../lab/lab.ts';
import { SERVICE } from '../lab/gated.ts';
import { traffic } from '../lab/sandbox.ts';
import type { SandboxOptions } from '../../../src/sandbox/index.ts';
import type { Environment } from '../lab/lab.ts';

/** What a steady backlog made of the cap. */
export interface Steady {
  readonly cap: number;
  readonly perSecond: number;
  readonly usedShare: number;
  readonly worstSecond: number;
  readonly refused: number;
}

/** Jobs that go on for ever, over a network with a round trip of 20 ms on top of the loopback's own. */
export const QUIET_WORK = {
  processing: { minMs: 3_600_000, maxMs: 3_600_000 },
  faults: { rules: [{ kind: 'latency', ms: 20 }] },
} satisfies SandboxOptions;

export async function steady(env: Environment, cap: number, seconds: number): Promise<Steady> {
  const lab = await startLab({
    ...env,
    cap,
    workers: 3,
    sandbox: QUIET_WORK,
  });
  const load = await startLoadGenerator(env.client, env.address, env.namespace);
  try {
    const perWorkflow = 250;
    const workflows = Math.ceil((cap * (seconds + 15)) / perWorkflow);
    await lab.newHolder();
    await load.add(`steady-${cap}`, { service: SERVICE, count: perWorkflow, unit: 'unit' }, workflows);
    await sleep(6_000);
    const fromMs = Date.now();
    await sleep(seconds * 1_000);
    const toMs = Date.now();
    const seen = traffic(await lab.sandbox.requests());
    const perSecond = seen.perSecond(fromMs, toMs);
    return { cap, perSecond, usedShare: perSecond / cap, worstSecond: seen.worstSecond, refused: seen.refused };
  } finally {
    await lab.close();
    await load.close();
  }
}
