import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Contender } from './contenders.ts';
import type { ServiceStats } from './processes/service.ts';
import type { BenchServer } from './server.ts';

/** What one phase of one contender cost, each figure per job unless it says otherwise. */
export interface Phase {
  readonly jobs: number;
  readonly perSecond: number;
  readonly workerMs: number;
  readonly receiverMs: number;
  readonly serverMs: number;
  readonly actions: number;
  readonly transactions: number;
  readonly requests: number;
  /** From the webhook's first byte to the workflow's end, milliseconds: P50, P95, P99. */
  readonly lagMs: readonly [number, number, number] | undefined;
}

export interface PhaseOptions {
  readonly server: BenchServer;
  readonly contender: Contender;
  readonly serviceUrl: string;
  readonly prefix: string;
  readonly jobs: number;
  /** Jobs started per second, evenly. @default as fast as they can be started */
  readonly perSecond?: number;
}

/** Starters of a burst: enough to keep the server busy. */
const STARTERS = 16;
const GIVE_UP_MS = 600_000;

/** Runs jobs and measures until the last has ended. */
export async function measurePhase(options: PhaseOptions): Promise<Phase> {
  const { server, contender, serviceUrl, prefix, jobs, perSecond } = options;
  await statsOf(serviceUrl);
  const before = await reading(options);
  const startedMs = performance.now();
  const keys = Array.from({ length: jobs }, (_, nth) => `${prefix}-${nth}`);
  if (perSecond === undefined) await burst(keys, contender.start);
  else await evenly(keys, perSecond, contender.start);
  await ended(server.client, contender.workflowId(`${prefix}-`), jobs);
  const seconds = (performance.now() - startedMs) / 1_000;
  const after = await reading(options);
  const { requests, doneAt } = await statsOf(serviceUrl);
  const lags = await lagsOf(server.client, contender, keys, doneAt);
  const per = (total: number): number => total / jobs;
  return {
    jobs,
    perSecond: jobs / seconds,
    workerMs: per(after.workerMs - before.workerMs),
    receiverMs: per(after.receiverMs - before.receiverMs),
    serverMs: per(after.serverMs - before.serverMs),
    actions: per(after.actions - before.actions),
    transactions: per(after.transactions - before.transactions),
    requests: per(requests),
    lagMs: lags.length === 0 ? undefined : [percentile(lags, 50), percentile(lags, 95), percentile(lags, 99)],
  };
}

async function reading({ server, contender }: PhaseOptions) {
  const { actions, transactions } = await server.counts();
  return {
    workerMs: contender.worker.cpuMs(),
    receiverMs: contender.receiver?.cpuMs() ?? 0,
    serverMs: server.cpuMs(),
    actions: Object.values(actions).reduce((sum, count) => sum + count, 0),
    transactions,
  };
}

async function burst(keys: readonly string[], start: (key: string) => Promise<void>): Promise<void> {
  const left = [...keys];
  const starter = async (): Promise<void> => {
    for (let key = left.shift(); key !== undefined; key = left.shift()) await start(key);
  };
  await Promise.all(Array.from({ length: STARTERS }, starter));
}

async function evenly(
  keys: readonly string[],
  perSecond: number,
  start: (key: string) => Promise<void>,
): Promise<void> {
  const startedMs = performance.now();
  await Promise.all(
    keys.map(async (key, nth) => {
      await sleep(startedMs + (nth * 1_000) / perSecond - performance.now());
      await start(key);
    }),
  );
}

async function ended(client: Client, idPrefix: string, jobs: number): Promise<void> {
  const query = `WorkflowId STARTS_WITH '${idPrefix}' AND ExecutionStatus = 'Completed'`;
  for (const untilMs = Date.now() + GIVE_UP_MS; ;) {
    const { count } = await client.workflow.count(query);
    if (count >= jobs) return;
    if (Date.now() > untilMs) throw new Error(`${count} of ${jobs} jobs of ${idPrefix} have ended.`);
    // Looking costs the server, too: the same for all, and little.
    await sleep(500);
  }
}

async function lagsOf(
  client: Client,
  contender: Contender,
  keys: readonly string[],
  doneAt: ServiceStats['doneAt'],
): Promise<number[]> {
  const lags: number[] = [];
  for (const key of keys) {
    const sentMs = doneAt[contender.reference(key)];
    if (sentMs === undefined) continue;
    const { closeTime } = await client.workflow.getHandle(contender.workflowId(key)).describe();
    if (closeTime !== undefined) lags.push(closeTime.getTime() - sentMs);
  }
  return lags.toSorted((a, b) => a - b);
}

/** Asks the service what came since it was last asked. */
export async function statsOf(serviceUrl: string): Promise<ServiceStats> {
  return (await (await fetch(`${serviceUrl}/stats`)).json()) as ServiceStats;
}

/** Nearest rank. */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

/** One job's history: events by type and bytes. */
export async function historyOf(
  client: Client,
  workflowId: string,
): Promise<{ readonly events: number; readonly bytes: number; readonly types: readonly string[] }> {
  const handle = client.workflow.getHandle(workflowId);
  const [{ events = [] }, { raw }] = [await handle.fetchHistory(), await handle.describe()];
  const { EventType } = (await import('@temporalio/proto')).default.temporal.api.enums.v1;
  return {
    events: events?.length ?? 0,
    bytes: Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0),
    types: (events ?? []).map(({ eventType }) => EventType[eventType ?? 0]?.replace('EVENT_TYPE_', '') ?? ''),
  };
}
