import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { changeControl, connectToTemporal } from '../../src/client/index.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { temporalBinary } from '../../src/provision/index.ts';
import { defaultClient, defaultWebhookSecret, type SandboxOptions } from '../../src/sandbox/index.ts';
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts';
import { startPart, type Part } from './part.ts';
import { WAYS, WORKERS, type PartName, type WayName } from './plan.ts';

/** Everything a run needs, each in a process of its own, as in production; all on 127.0.0.1. */
export interface Fleet {
  readonly parts: ReadonlyMap<PartName, Part>;
  readonly ways: ReadonlyMap<WayName, TcpProxy>;
  /** Straight to the server: what the audit asks is not disturbed. */
  readonly temporalAddress: string;
  /** The caller's disturbed way. */
  readonly callerAddress: string;
  readonly sandboxUrl: string;
  /** Switches faults of the sandbox, straight; `undefined` switches all off. Waits until it listens. */
  readonly faults: (faults: object | undefined) => Promise<void>;
  readonly logs: string;
  readonly close: () => Promise<void>;
}

export interface FleetOptions {
  /** State, configurations and logs. */
  readonly folder: string;
  /** Of everything random in the sandbox. */
  readonly seed: number;
  readonly clocks: Readonly<Record<string, number>>;
  readonly workers?: readonly (typeof WORKERS)[number][];
  readonly qpsCap: number;
}

const BIN = fileURLToPath(new URL('../../bin/playbook.js', import.meta.url));
const CLOCK = fileURLToPath(new URL('processes/shifted-clock.mjs', import.meta.url));
const READY_MS = 60_000;

/** The environment of a process whose clock is wrong by so much. */
export function withClock(offsetMs: number): Record<string, string> {
  return { NODE_OPTIONS: `--import ${CLOCK}`, CHAOS_CLOCK_MS: String(offsetMs) };
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { folder, seed, clocks, qpsCap, workers = WORKERS } = options;
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true });
  const ports = { temporal: await freePort(), sandbox: await freePort(), receiver: await freePort() };
  const targets: Readonly<Record<string, string>> = Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [name, `127.0.0.1:${port}`]),
  );
  const ways = new Map<WayName, TcpProxy>();
  for (const way of WAYS) ways.set(way, await startTcpProxy(targets[way.split('>')[1] ?? ''] ?? ''));
  const over = (way: WayName): string => ways.get(way)?.address ?? '';

  const sandboxOptions: SandboxOptions = {
    port: ports.sandbox,
    statePath: join(folder, 'sandbox', 'state.jsonl'),
    limit: { rate: 500 },
    processing: { minMs: 200, maxMs: 3_000 },
    webhookRetry: { delaysMs: [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000], timeoutMs: 5_000 },
    seed,
  };
  await writeFile(join(folder, 'sandbox.yaml'), JSON.stringify(sandboxOptions));
  for (const worker of [...workers, 'receiver'] as const) {
    const service = worker === 'receiver' ? (targets['sandbox'] ?? '') : over(`${worker}>sandbox`);
    await writeFile(
      join(folder, `${worker}.yaml`),
      configYaml(`http://${service}`, `http://${over('sandbox>receiver')}`, qpsCap),
    );
  }

  const secrets = {
    DOCPROC_CLIENT_SECRET: defaultClient.secret,
    DOCPROC_WEBHOOK_SECRET: defaultWebhookSecret,
    DOCPROC_CALLBACK_SECRET: 'a callback secret of the chaos run',
  };
  const parts = new Map<PartName, Part>();
  const start = (name: PartName, command: string, args: readonly string[], env: Record<string, string>): void =>
    void parts.set(name, startPart({ name, command, args, env, logPath: join(logs, `${name}.log`) }));
  const close = async (): Promise<void> => {
    await Promise.all([...parts.values()].map((part) => part.close()));
    await Promise.all([...ways.values()].map((way) => way.close()));
  };

  const faults: Fleet['faults'] = async (wanted) => {
    const url = `http://${targets['sandbox']}/_sandbox/faults`;
    const change = wanted === undefined ? { method: 'DELETE' } : { method: 'POST', body: JSON.stringify(wanted) };
    for (const untilMs = Date.now() + READY_MS; ;) {
      const answer = await fetch(url, { ...change, signal: AbortSignal.timeout(20_000) }).catch(() => undefined);
      if (answer?.ok) return;
      if (answer !== undefined) throw new Error(`Faults were refused: ${answer.status} ${await answer.text()}`);
      if (Date.now() > untilMs) throw new Error('The sandbox does not listen.');
      await sleep(100);
    }
  };

  try {
    const server = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(ports.temporal)];
    const settings = ['--db-filename', join(folder, 'temporal.db'), '--log-level', 'error'];
    const quick = ['--dynamic-config-value', 'history.timerProcessorMaxTimeShift="100ms"'];
    start('temporal', await temporalBinary(), [...server, ...settings, ...quick], {});
    const temporal = targets['temporal'] ?? '';
    await untilReady(temporal);
    await promisify(execFile)(BIN, ['setup', '--retention', '7d'], {
      env: { ...process.env, TEMPORAL_ADDRESS: temporal },
    });
    start('sandbox', BIN, ['sandbox', '--config', join(folder, 'sandbox.yaml')], {});
    for (const worker of workers) {
      start(worker, BIN, ['worker', '--config', `docproc=${join(folder, `${worker}.yaml`)}`], {
        ...secrets,
        TEMPORAL_ADDRESS: over(`${worker}>temporal`),
        ...withClock(clocks[worker] ?? 0),
      });
    }
    start(
      'receiver',
      BIN,
      ['webhooks', '--port', String(ports.receiver), '--config', `docproc=${join(folder, 'receiver.yaml')}`],
      {
        ...secrets,
        TEMPORAL_ADDRESS: over('receiver>temporal'),
        ...withClock(clocks['receiver'] ?? 0),
      },
    );
    await faults(undefined);
    await enable(temporal);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    parts,
    ways,
    temporalAddress: targets['temporal'] ?? '',
    callerAddress: over('caller>temporal'),
    sandboxUrl: `http://${targets['sandbox']}`,
    faults,
    logs,
    close,
  };
}

async function untilReady(address: string): Promise<void> {
  for (const untilMs = Date.now() + READY_MS; ;) {
    const connected = await connectToTemporal({ address, timeoutMs: 1_000 }).catch(() => undefined);
    if (connected !== undefined) return connected.close();
    if (Date.now() > untilMs) throw new Error(`Temporal at ${address} does not answer.`);
    await sleep(200);
  }
}

/** Off by default; needs a worker, so it waits for the first. */
async function enable(address: string): Promise<void> {
  const { client, close } = await connectToTemporal({ address });
  const why = { actor: 'chaos', reason: 'a run under faults' };
  try {
    for (const untilMs = Date.now() + READY_MS; ;) {
      try {
        await changeControl(client, 'docproc', 'enable', why);
        return;
      } catch (error) {
        if (!(error instanceof PlaybookError) || error.code !== 'NO_WORKER' || Date.now() > untilMs) throw error;
      }
    }
  } finally {
    await close();
  }
}

/** As in production, with the patience of a service that has to come through minutes of trouble. */
function configYaml(serviceUrl: string, receiverUrl: string, qpsCap: number): string {
  return `environment: sandbox
service:
  base_url: ${serviceUrl}
  version: v3
  timeouts: { connect_ms: 1000, read_ms: 3000, total_ms: 6000 }
  retry: { max_attempts: 20, backoff_ms: '200,400,800,1600,3000' }
  rate_limit: { qps_cap: ${qpsCap} }
auth:
  type: oauth_client_credentials
  token_url: ${serviceUrl}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: ${defaultClient.id}
  client_secret: env:DOCPROC_CLIENT_SECRET
webhook: { public_url: '${receiverUrl}', secrets: ['env:DOCPROC_WEBHOOK_SECRET'], token_secret: 'env:DOCPROC_CALLBACK_SECRET' }
polling: { grace_ms: 5000, initial_ms: 1000, factor: 1.6, max_ms: 8000 }
`;
}
