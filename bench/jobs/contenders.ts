import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { changeControl, createPlaybookClient } from '../../src/client/index.ts';
import { jobWorkflowId } from '../../src/contracts/ids.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { benched, SERVICE } from './benched.ts';
import type { FloorOrder, OurOrder } from './orders.ts';
import { startMeasured, type Measured } from './process.ts';
import type { BenchServer } from './server.ts';

export const CONTENDERS = ['floor', 'ours', 'ours, trusting', 'timer loop', 'ours, polling'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** One way to run a job, ready to run some. */
export interface Contender {
  readonly worker: Measured;
  readonly receiver: Measured | undefined;
  readonly start: (key: string) => Promise<void>;
  readonly workflowId: (key: string) => string;
  /** The reference its jobs have at the service. */
  readonly reference: (key: string) => string;
  readonly stop: () => Promise<void>;
}

export interface ContenderOptions {
  readonly server: BenchServer;
  readonly serviceUrl: string;
  /** Of our workflows and of the hand-written ones. */
  readonly bundles: { readonly ours: string; readonly floor: string };
}

/** Pause of the timer loop, milliseconds. */
const LOOP_EVERY_MS = 100;

export async function startContender(name: ContenderName, options: ContenderOptions): Promise<Contender> {
  return name === 'floor' || name === 'timer loop' ? handWritten(name, options) : ours(name, options);
}

async function handWritten(name: ContenderName, { server, serviceUrl, bundles }: ContenderOptions): Promise<Contender> {
  const { address, client } = server;
  const work: FloorOrder = { does: 'work', address, serviceUrl, bundle: bundles.floor };
  const worker = await startMeasured('floor-worker', work);
  const port = await freePort();
  const listen: FloorOrder = { does: 'webhooks', address, port };
  const receiver = name === 'floor' ? await startMeasured('floor-worker', listen) : undefined;
  const args = name === 'floor' ? `http://127.0.0.1:${port}` : LOOP_EVERY_MS;
  return {
    worker,
    receiver,
    start: async (key) => {
      const type = name === 'floor' ? 'floor' : 'timerLoop';
      await client.workflow.start(type, { workflowId: key, taskQueue: 'floor', args: [key, args] });
    },
    workflowId: (key) => key,
    reference: (key) => key,
    stop: async () => void (await Promise.all([worker.stop(), receiver?.stop()])),
  };
}

async function ours(name: ContenderName, { server, serviceUrl, bundles }: ContenderOptions): Promise<Contender> {
  const byWebhook = name !== 'ours, polling';
  const trusting = name === 'ours, trusting';
  const { address, client } = server;
  const port = await freePort();
  const listen: OurOrder = { does: 'webhooks', address, port, trusting };
  const receiver = byWebhook ? await startMeasured('our-worker', listen) : undefined;
  const worker = await startMeasured('our-worker', {
    does: 'work',
    address,
    serviceUrl,
    bundle: bundles.ours,
    trusting,
    ...(byWebhook ? { receiverUrl: `http://127.0.0.1:${port}` } : {}),
  } satisfies OurOrder);
  await enabled(client);
  const playbook = createPlaybookClient(client);
  return {
    worker,
    receiver,
    start: async (key) => void (await playbook.start(benched, { text: 'a job' }, { key, unit: 'bench' })),
    workflowId: (key) => jobWorkflowId(SERVICE, key),
    reference: (key) => `${key}~1`,
    stop: async () => void (await Promise.all([worker.stop(), receiver?.stop()])),
  };
}

async function enabled(client: Client): Promise<void> {
  await changeControl(client, SERVICE, 'enable', { actor: 'bench', reason: 'to measure' });
  // Workers remember the control state for a second.
  await sleep(1_200);
}

/** The prebuilt bundle of the build. */
export async function ourBundle(path: string): Promise<string> {
  await readFile(path).catch(() => {
    throw new Error('There is no build: run `npm run build` first.');
  });
  return path;
}
