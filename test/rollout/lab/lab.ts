import type { Client } from '@temporalio/client';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import pino from 'pino';
import type { SampleSource } from '../../../src/activities/index.ts';
import { createPlaybookClient, type PlaybookClient } from '../../../src/client/index.ts';
import { readStageJobs } from '../../../src/client/stage-samples.ts';
import { createSecrets, parseConfig } from '../../../src/definition/index.ts';
import { startSandbox, type Sandbox } from '../../../src/sandbox/index.ts';
import { createJobWorker, createServiceRuntime, type OwnedRuntime } from '../../../src/workers/index.ts';
import { DOCUMENT, DOCUMENT_SHA256, staged } from './staged.ts';

/** Where a lab runs. */
export interface Place {
  readonly client: Client;
  readonly nativeConnection: NativeConnection;
  readonly namespace: string;
  /** Path of the workflow bundle. */
  readonly bundle: string;
  readonly augment?: (options: WorkerOptions) => WorkerOptions;
}

/** A service behind its sandbox. */
export interface LabService {
  readonly name: string;
  readonly integration: ReturnType<typeof staged>;
  /** Switches the sandbox's faults: as a new version that is worse. */
  readonly faults: (rules: readonly object[]) => Promise<void>;
}

/** Services with a worker, and a way to shut visibility off. */
export interface Lab {
  readonly client: Client;
  readonly playbook: PlaybookClient;
  readonly service: (name: string) => LabService;
  /** From now on samples cannot be read, or can be again. */
  readonly blind: (isBlind: boolean) => void;
  readonly close: () => Promise<void>;
}

const QUIET = { auth: 'none', limit: { rate: 1_000 }, processing: { minMs: 20, maxMs: 60, threads: 1 } } as const;

/** Starts services, each with a sandbox, and a fallback of its own for those in `withFallback`. */
export async function startLab(place: Place, names: readonly string[], withFallback: readonly string[]): Promise<Lab> {
  const logger = pino({ level: 'silent' });
  const sandboxes: Sandbox[] = [];
  const runtimes: OwnedRuntime[] = [];
  const runtimeOf = async (name: string): Promise<{ runtime: OwnedRuntime; sandbox: Sandbox }> => {
    const sandbox = await startSandbox(QUIET);
    sandboxes.push(sandbox);
    await call(sandbox, `/v3/files/${DOCUMENT_SHA256}`, 'PUT', DOCUMENT);
    const integration = staged(name);
    const config = parseConfig(configFor(sandbox.url), { service: name });
    const runtime = createServiceRuntime({ integration, config }, { secrets: createSecrets({ env: {} }), logger });
    runtimes.push(runtime);
    return { runtime, sandbox };
  };
  const services = new Map<string, LabService>();
  const live: OwnedRuntime[] = [];
  for (const name of names) {
    const { runtime, sandbox } = await runtimeOf(name);
    live.push(runtime);
    const faults = (rules: readonly object[]) => call(sandbox, '/_sandbox/faults', 'POST', JSON.stringify({ rules }));
    services.set(name, { name, integration: staged(name), faults });
  }
  const fallbacks: OwnedRuntime[] = [];
  for (const name of withFallback) fallbacks.push((await runtimeOf(name)).runtime);

  let isBlind = false;
  const samples: SampleSource = {
    read: async (query) => {
      if (isBlind) throw new Error('visibility is down');
      return readStageJobs(place.client, query);
    },
  };
  const worker = await createJobWorker({
    connection: place.nativeConnection,
    namespace: place.namespace,
    services: live,
    fallbacks,
    samples,
    logger,
    workflowBundle: { codePath: place.bundle },
    shutdownGraceMs: 2_000,
    ...(place.augment === undefined ? {} : { augment: place.augment }),
  });
  const running = worker.run();
  return {
    client: place.client,
    playbook: createPlaybookClient(place.client),
    service: (name) => {
      const found = services.get(name);
      if (found === undefined) throw new Error(`The lab has no service ${name}.`);
      return found;
    },
    blind: (next) => {
      isBlind = next;
    },
    close: async () => {
      for await (const { workflowId } of place.client.workflow.list({ query: `ExecutionStatus = 'Running'` })) {
        await place.client.workflow
          .getHandle(workflowId)
          .terminate('over')
          .catch(() => undefined);
      }
      worker.shutdown();
      await running;
      await Promise.all(runtimes.map((runtime) => runtime.close()));
      await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
    },
  };
}

/** Polled at once and often, and patient with an answer that takes 12 seconds. */
function configFor(url: string): string {
  return `
environment: sandbox
service:
  base_url: ${url}
  version: v3
  timeouts: { connect_ms: 1000, read_ms: 20000, total_ms: 20000 }
  rate_limit: { qps_cap: 200 }
auth: { type: none }
polling: { grace_ms: 0, initial_ms: 200, factor: 1.5, max_ms: 1000 }
`;
}

async function call(sandbox: Sandbox, path: string, method: string, body: string | Buffer): Promise<void> {
  const headers = { 'content-type': path.startsWith('/v3') ? 'text/plain' : 'application/json' };
  const answer = await fetch(`${sandbox.url}${path}`, { method, headers, body });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}
