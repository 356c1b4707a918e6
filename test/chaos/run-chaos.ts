import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectToTemporal, createPlaybookClient, killGate, restoreGate } from '../../src/client/index.ts';
import { createPrng } from '../../src/sandbox/prng.ts';
import { serviceJobs } from '../faults/support/service-jobs.ts';
import { audit, type Findings } from './audit.ts';
import { whatTemporalSays } from './evidence.ts';
import { startFleet, withClock, type Fleet } from './fleet.ts';
import { startLoad } from './load.ts';
import { describeMishap, type Mishap, type Plan, type WayName } from './plan.ts';

export interface ChaosOptions {
  readonly plan: Plan;
  readonly jobs: number;
  /** State and logs. */
  readonly folder: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface ChaosReport extends Findings {
  readonly seed: number;
  readonly minutes: number;
  readonly mishaps: number;
  /** Processes that ended without having been asked to. */
  readonly unasked: readonly string[];
  /** From the end of the trouble to the end of the last job, seconds. */
  readonly drainedS: number;
}

/** The service's requests per second: more than the load needs, little enough for a backlog to form behind an outage. */
const QPS_CAP = 40;
/** Once all is well again, jobs are waited for as long as some end within this time, milliseconds. */
const STALLED_MS = 120_000;
/** And no longer than this altogether. */
const DRAIN_MS = 1_200_000;

/** Runs the plan under steady load, heals everything, waits for the jobs to end, and compares. */
export async function runChaos({ plan, jobs, folder, print, signal }: ChaosOptions): Promise<ChaosReport> {
  const { seed, durationMs, clocks, mishaps } = plan;
  const fleet = await startFleet({ folder, seed, clocks, qpsCap: QPS_CAP });
  const closing: (() => Promise<void>)[] = [fleet.close];
  try {
    const caller = await connectToTemporal({ address: fleet.callerAddress, timeoutMs: 30_000 });
    closing.unshift(caller.close);
    const direct = await connectToTemporal({ address: fleet.temporalAddress, timeoutMs: 30_000 });
    closing.unshift(direct.close);
    const playbook = createPlaybookClient(caller.client);
    const load = await startLoad({ playbook, folder, jobs, durationMs, prng: createPrng(seed + 1), signal });
    const startedMs = Date.now();
    print(`${jobs} jobs over ${durationMs / 60_000} min, ${mishaps.length} mishaps, seed ${seed}`);
    const troubles = mishaps.map(async (mishap) => {
      await sleep(mishap.atMs, undefined, { signal });
      print(`${((Date.now() - startedMs) / 1_000).toFixed(0).padStart(4)} s  ${describeMishap(mishap)}`);
      await strike(fleet, direct.client, mishap);
    });
    await Promise.race([Promise.all([...troubles, load.accepted]), aborted(signal)]);
    await heal(fleet, direct.client);
    const healedMs = Date.now();
    await drained(direct.client, signal);
    const drainedS = Math.round((Date.now() - healedMs) / 100) / 10;
    print(`all is well again; the last job ended ${drainedS} s later`);
    const held = await serviceJobs({ url: fleet.sandboxUrl });
    const said = await whatTemporalSays(direct.client, createPlaybookClient(direct.client), load.asked);
    return {
      ...audit(load.asked, held, said),
      seed,
      minutes: durationMs / 60_000,
      mishaps: mishaps.length,
      unasked: [...fleet.parts.values()].flatMap(({ unasked }) => unasked),
      drainedS,
    };
  } finally {
    for (const close of closing) await close().catch((error: unknown) => print(`closing: ${String(error)}`));
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
}

/** Troubles of one way may overlap; the last to end opens it. */
const busy = new Map<WayName, number>();

async function strike(fleet: Fleet, client: Client, mishap: Mishap): Promise<void> {
  const { forMs } = mishap;
  switch (mishap.kind) {
    case 'kill':
    case 'stop': {
      const signal = mishap.kind === 'kill' ? 'SIGKILL' : 'SIGTERM';
      const env = mishap.clockMs === undefined ? undefined : withClock(mishap.clockMs);
      return fleet.parts.get(mishap.part)?.end(signal, forMs, env);
    }
    case 'pause':
      return fleet.parts.get(mishap.part)?.pause(forMs);
    case 'way': {
      const { way, mode, delayMs } = mishap;
      busy.set(way, (busy.get(way) ?? 0) + 1);
      fleet.ways.get(way)?.set(mode, delayMs);
      await sleep(forMs);
      const left = (busy.get(way) ?? 1) - 1;
      busy.set(way, left);
      if (left === 0) fleet.ways.get(way)?.set('open');
      return;
    }
    case 'faults':
      await fleet.faults(mishap.faults);
      await sleep(forMs);
      return fleet.faults(undefined);
    case 'gate-kill': {
      const why = { actor: 'chaos', reason: 'part of the plan', atMs: Date.now(), what: 'kill' };
      // The server may be away just now: an operator tries again, too.
      await insist(() => killGate(client, 'docproc', why));
      await sleep(forMs);
      await insist(() => restoreGate(client, 'docproc', { ...why, atMs: Date.now(), what: 'restore' }));
    }
  }
}

async function insist(call: () => Promise<unknown>): Promise<void> {
  for (const untilMs = Date.now() + 60_000; ;) {
    try {
      await call();
      return;
    } catch (error) {
      if (Date.now() > untilMs) throw error;
      await sleep(500);
    }
  }
}

/** Ends all trouble that is left. */
async function heal(fleet: Fleet, client: Client): Promise<void> {
  for (const way of fleet.ways.values()) way.set('open');
  await fleet.faults(undefined);
  await insist(() => client.workflow.count(`WorkflowType = 'externalJob'`));
}

async function drained(client: Client, signal: AbortSignal): Promise<void> {
  let last = { count: Infinity, atMs: Date.now() };
  for (const untilMs = Date.now() + DRAIN_MS; Date.now() < untilMs && Date.now() - last.atMs < STALLED_MS;) {
    const { count } = await client.workflow.count(`WorkflowType = 'externalJob' AND ExecutionStatus = 'Running'`);
    if (count === 0) return;
    if (count < last.count) last = { count, atMs: Date.now() };
    await sleep(500, undefined, { signal });
  }
}
