import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { changeControl, connectToTemporal, createPlaybookClient, type PlaybookClient } from '../../src/client/index.ts';
import type { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { temporalBinary } from '../../src/provision/index.ts';
import { startProcess, type LabProcess } from '../../test/gate/lab/worker-process.ts';
import { SERVICE, type StubOptions } from './stubbed.ts';

/** What worker and receiver are told. */
export interface ProcessArguments {
  readonly address: string;
  readonly bundle: string;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  readonly receiverPort: number;
}

export type Part = 'server' | 'worker' | 'receiver' | 'stub';

/** A Temporal server with its database on disk, a worker, a receiver and the stub, each in a process of its own. */
export interface BatchLab {
  readonly client: Client;
  readonly playbook: PlaybookClient;
  readonly pid: (part: Part) => number;
  /** `kill -9`, and a new one at once. */
  readonly kill: (part: 'server' | 'worker' | 'receiver') => Promise<void>;
  readonly audit: () => Promise<Audit>;
  readonly close: () => Promise<void>;
}

/** What the stub saw. */
export interface Audit {
  readonly jobs: number;
  readonly references: number;
  readonly refused: number;
  readonly posts: number;
  readonly repeated: number;
  readonly webhooks: number;
  /** Most POSTs in any sliding second. */
  readonly worstSecond: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

const SECRET = `whsec_${Buffer.from('a webhook secret of the bench!!!').toString('base64')}`;

export async function startBatchLab(
  options: { readonly cap: number; readonly graceMs?: number } & Partial<StubOptions>,
): Promise<BatchLab> {
  const folder = await mkdtemp(join(tmpdir(), 'playbook-batch-'));
  const [port, receiverPort, stubPort] = [await freePort(), await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const bundle = join(folder, 'workflows.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  await writeFile(bundle, code);
  const config = `
environment: sandbox
service:
  base_url: http://127.0.0.1:${stubPort}
  version: v1
  timeouts: { connect_ms: 1000, read_ms: 4000, total_ms: 5000 }
  retry: { max_attempts: 5, backoff_ms: '100,200,400' }
  rate_limit: { qps_cap: ${options.cap} }
auth: { type: none }
webhook:
  public_url: http://127.0.0.1:${receiverPort}
  secrets: ['env:WEBHOOK_SECRET']
  token_secret: env:TOKEN_SECRET
polling: { grace_ms: ${options.graceMs ?? 10_000}, initial_ms: 1000, factor: 1.5, max_ms: 5000 }
`;
  const env = { WEBHOOK_SECRET: SECRET, TOKEN_SECRET: 'a token secret of the bench, long enough' };
  const told: ProcessArguments = { address, bundle, config, env, receiverPort };
  const here = (file: string): string => new URL(file, import.meta.url).href;
  const executable = await temporalBinary();
  const startServer = async (): Promise<ChildProcess> => {
    const attributes = Object.values(SEARCH_ATTRIBUTES).flatMap(({ name, type }) => [
      '--search-attribute',
      `${name}=${type === 'INT' ? 'Int' : 'Keyword'}`,
    ]);
    const child = spawn(
      executable,
      [
        ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'never'],
        ...['--db-filename', join(folder, 'temporal.db'), ...attributes],
      ],
      { stdio: 'ignore' },
    );
    for (;;) {
      try {
        const { client, close } = await connectToTemporal({ address, timeoutMs: 500 });
        await client.workflow.count(`${SEARCH_ATTRIBUTES.service.name} = 'x'`);
        await close();
        return child;
      } catch {
        await sleep(100);
      }
    }
  };
  const start = {
    worker: () => startProcess(here('worker.ts'), told, 'ready'),
    receiver: () => startProcess(here('receiver.ts'), told, 'ready'),
  };
  const stub: StubOptions = {
    port: stubPort,
    secret: SECRET,
    faulty: options.faulty ?? false,
    processingMs: options.processingMs ?? { min: 100, max: 500 },
  };
  let server = await startServer();
  const running: { worker: LabProcess; receiver: LabProcess; stub: LabProcess } = {
    stub: await startProcess(here('stub.ts'), stub, 'ready'),
    worker: await start.worker(),
    receiver: await start.receiver(),
  };
  const { client, close } = await connectToTemporal({ address });
  await changeControl(client, SERVICE, 'enable', { actor: 'bench', reason: 'a measurement' });
  await sleep(1_500); // workers remember the control state for a second

  const end = async (process: LabProcess): Promise<void> => {
    process.signal('SIGKILL');
    await process.ended;
  };
  const endServer = async (): Promise<void> => {
    server.kill('SIGKILL');
    await once(server, 'exit');
  };
  return {
    client,
    playbook: createPlaybookClient(client),
    pid: (part) => (part === 'server' ? (server.pid ?? 0) : running[part].pid),
    kill: async (part) => {
      if (part === 'server') {
        await endServer();
        server = await startServer();
      } else {
        await end(running[part]);
        running[part] = await start[part]();
      }
    },
    audit: async () => (await (await fetch(`http://127.0.0.1:${stubPort}/audit`)).json()) as Audit,
    close: async () => {
      await close();
      await Promise.all([end(running.worker), end(running.receiver), end(running.stub)]);
      await endServer();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Clock ticks of Linux, in milliseconds. */
const TICK_MS = 10;

/** User and system time of a process so far, in milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process, in MB. */
export async function memoryMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}
