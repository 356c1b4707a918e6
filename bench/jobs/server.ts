import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { temporalBinary } from '../../src/provision/index.ts';
import { cpuMsOf } from './process.ts';

/** What the server counts itself, since it was started. */
export interface ServerCounts {
  /** Billed Actions, by type, of the namespace. */
  readonly actions: Readonly<Record<string, number>>;
  /** Writes of workflow state: what a job costs the database. */
  readonly transactions: number;
}

/** The one Temporal server of a bench, with its database in a file. */
export interface BenchServer {
  readonly address: string;
  readonly client: Client;
  readonly cpuMs: () => number;
  readonly databaseBytes: () => Promise<number>;
  readonly counts: () => Promise<ServerCounts>;
  readonly stop: () => Promise<void>;
}

/**
 * Polls of a shard's task queues per second, 20 by default. A server has hundreds of shards and stays far below that; the dev server has
 * one, and from some 20 workflow and activity tasks per second on each of them would wait for its turn, up to 50 ms.
 */
const QUEUE_POLLS = ['history.transferProcessorMaxPollRPS=500', 'history.timerProcessorMaxPollRPS=500'];
const TRANSACTIONS = ['CreateWorkflowExecution', 'UpdateWorkflowExecution', 'ConflictResolveWorkflowExecution'];
const { INDEXED_VALUE_TYPE_INT, INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;

export async function startBenchServer(database: string): Promise<BenchServer> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const server = spawn(
    await temporalBinary(),
    [
      ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', `${port}`, '--log-level', 'never'],
      ...['--metrics-port', `${metricsPort}`, '--db-filename', database],
      ...QUEUE_POLLS.flatMap((value) => ['--dynamic-config-value', value]),
    ],
    { stdio: 'ignore' },
  );
  const address = `127.0.0.1:${port}`;
  const ended = once(server, 'exit');
  let connection: Connection | undefined;
  for (const untilMs = Date.now() + 60_000; connection === undefined;) {
    connection = await Connection.connect({ address, connectTimeout: 1_000 }).catch(() => undefined);
    if (connection !== undefined) break;
    if (Date.now() > untilMs) throw new Error('The Temporal server does not answer.');
    await sleep(200);
  }
  const types = { INT: INDEXED_VALUE_TYPE_INT, KEYWORD: INDEXED_VALUE_TYPE_KEYWORD } as const;
  await connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(Object.values(SEARCH_ATTRIBUTES).map(({ name, type }) => [name, types[type]])),
  });
  await connection.workflowService.updateNamespace({
    namespace: 'default',
    config: { workflowExecutionRetentionTtl: msToTs('7d') },
  });
  const open = connection;
  return {
    address,
    client: new Client({ connection: open }),
    cpuMs: () => cpuMsOf(server.pid ?? 0),
    databaseBytes: async () => {
      const sizes = await Promise.all(
        [database, `${database}-wal`].map(async (path) => (await stat(path).catch(() => undefined))?.size ?? 0),
      );
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    counts: async () => readCounts(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()),
    stop: async () => {
      await open.close();
      server.kill('SIGKILL');
      await ended;
    },
  };
}

/** Reads the server's own Prometheus metrics. */
export function readCounts(text: string): ServerCounts {
  const actions: Record<string, number> = {};
  let transactions = 0;
  for (const line of text.split('\n')) {
    const match = /^(action|persistence_requests)\{(.*)\} ([\d.e+]+)$/.exec(line);
    if (match === null) continue;
    const [, name, labels = '', value = '0'] = match;
    const label = (key: string): string => new RegExp(`${key}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (name === 'action' && label('namespace') === 'default') {
      const type = label('action_type');
      actions[type] = (actions[type] ?? 0) + Number(value);
    }
    if (name === 'persistence_requests' && TRANSACTIONS.includes(label('operation'))) transactions += Number(value);
  }
  return { actions, transactions };
}
