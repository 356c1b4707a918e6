import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { changeControl, readControl } from '../../../src/client/control.ts';
import { readHeldGate } from '../../../src/client/held-gate.ts';
import { createPlaybookClient, type PlaybookClient } from '../../../src/client/index.ts';
import { gateWorkflowId } from '../../../src/contracts/control.ts';
import type { Change } from '../../../src/contracts/control.ts';
import type { SandboxOptions } from '../../../src/sandbox/index.ts';
import { until } from '../../helpers/until.ts';
import { gated, SERVICE } from './gated.ts';
import { startLabSandbox, type LabSandbox } from './sandbox.ts';
import { startWorkerProcess, type LabProcess } from './worker-process.ts';

/** A Temporal server and the workflows as a bundle. */
export interface Environment {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  readonly bundle: string;
}

export interface LabOptions extends Environment {
  readonly cap: number;
  readonly workers: number;
  readonly sandbox?: SandboxOptions;
  /** YAML sections on top. */
  readonly config?: string;
}

/** A sandbox, some worker processes and what can be done to them. */
export interface Lab {
  readonly client: Client;
  readonly playbook: PlaybookClient;
  readonly sandbox: LabSandbox;
  readonly workers: ReadonlyMap<number, LabProcess>;
  /** Starts one more worker, perhaps with proxies on its ways to Temporal and to the service, or with another workflow bundle. */
  readonly addWorker: (ways?: {
    readonly temporal?: string;
    readonly service?: string;
    readonly bundle?: string;
  }) => Promise<LabProcess>;
  /** The worker that holds the gate now. */
  readonly holder: () => Promise<LabProcess | undefined>;
  /** Waits until somebody other than `not` holds it. */
  readonly newHolder: (not?: LabProcess) => Promise<LabProcess>;
  /** Starts jobs whose keys begin with `prefix`. */
  readonly startJobs: (prefix: string, count: number, unit?: (nth: number) => string) => Promise<void>;
  /** How many jobs whose keys begin with `prefix` are in a status of Temporal's. */
  readonly countJobs: (prefix: string, status: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

export const BECAUSE: Change = { actor: 'lab', reason: 'an experiment', atMs: 0, what: 'gate' };

export async function startLab(options: LabOptions): Promise<Lab> {
  const { client, address, namespace, bundle, cap } = options;
  const sandbox = await startLabSandbox({ limit: { rate: cap }, ...options.sandbox });
  const configFor = (url: string): string => `
environment: sandbox
service:
  base_url: ${url}
  version: v3
  timeouts: { connect_ms: 1000, read_ms: 4000, total_ms: 5000 }
  retry: { max_attempts: 3, backoff_ms: '200,400,800' }
  rate_limit: { qps_cap: ${cap} }
auth: { type: none }
${options.config ?? 'polling: { grace_ms: 0, initial_ms: 1000, factor: 1.5, max_ms: 5000 }'}
`;
  const workers = new Map<number, LabProcess>();
  const addWorker: Lab['addWorker'] = async (ways = {}) => {
    const worker = await startWorkerProcess({
      address: ways.temporal ?? address,
      namespace,
      bundle: ways.bundle ?? bundle,
      config: configFor(ways.service ?? sandbox.url),
    });
    workers.set(worker.pid, worker);
    void worker.ended.then(() => workers.delete(worker.pid));
    return worker;
  };
  await Promise.all(Array.from({ length: options.workers }, () => addWorker()));
  if (options.workers > 0) await enable(client);
  const playbook = createPlaybookClient(client);

  const holder = async (): Promise<LabProcess | undefined> => {
    const held = await readHeldGate(client, gateWorkflowId(SERVICE)).catch(() => undefined);
    return workers.get(Number(held?.holder?.split('@')[0]));
  };
  return {
    client,
    playbook,
    sandbox,
    workers,
    addWorker,
    holder,
    newHolder: async (not) => {
      let found: LabProcess | undefined;
      const changed = async () => (found = await holder()) !== undefined && found.pid !== not?.pid;
      await until('another process holds the gate', changed, 30_000);
      return found!;
    },
    startJobs: async (prefix, count, unit = () => 'unit') => {
      const numbers = Array.from({ length: count }, (_, nth) => nth);
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let nth = numbers.shift(); nth !== undefined; nth = numbers.shift()) {
            await playbook.start(gated, {}, { key: `${prefix}-${nth}`, unit: unit(nth) });
          }
        }),
      );
    },
    countJobs: async (prefix, status) => {
      const query = `WorkflowId STARTS_WITH '${SERVICE}/${prefix}-' AND ExecutionStatus = '${status}'`;
      return (await client.workflow.count(query)).count;
    },
    close: async () => {
      for await (const { workflowId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` })) {
        await client.workflow
          .getHandle(workflowId)
          .terminate('over')
          .catch(() => undefined);
      }
      const left = [...workers.values()];
      for (const worker of left) {
        worker.signal('SIGCONT');
        worker.signal('SIGKILL');
      }
      await Promise.all(left.map(({ ended }) => ended));
      await sandbox.close();
    },
  };
}

/** What an operator does once: without it nothing is admitted. */
async function enable(client: Client): Promise<void> {
  if ((await readControl(client, SERVICE)).enabled) return;
  await changeControl(client, SERVICE, 'enable', { actor: 'lab', reason: 'an experiment' });
  // Workers remember the control state for a second.
  await sleep(1_200);
}
