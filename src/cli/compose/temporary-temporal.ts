import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { connectToTemporal } from '../../client/index.ts';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import { openHome, startTemporalServer } from '../../embedded/index.ts';
import { temporalBinary } from '../../provision/index.ts';
import type { CliIo } from '../io.ts';
import { createClosing } from './closing.ts';
import type { Logging } from './logging.ts';

/** A Temporal server of its own, gone with everything in it when the work is over. */
export interface TemporaryTemporal {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly namespace: string;
}

const NAMESPACE = 'default';

/** Starts a Temporal server for some work and ends it afterwards. @throws PlaybookError PROVISION_FAILED, TEMPORAL_UNREACHABLE */
export async function withTemporaryTemporal<Result>(
  io: CliIo,
  { logger }: Logging,
  work: (temporal: TemporaryTemporal) => Promise<Result>,
): Promise<Result> {
  const closing = createClosing();
  try {
    const path = await mkdtemp(join(tmpdir(), 'playbook-replay-'));
    closing.add(() => rm(path, { recursive: true, force: true }));
    const home = await openHome(path);
    closing.add(() => home.close());
    const executable = await temporalBinary({
      env: { ...io.env },
      signal: io.interrupt,
      onProgress: (line) => io.stderr.write(`${line}\n`),
    });
    const server = await startTemporalServer({
      home,
      executable,
      searchAttributes: Object.values(SEARCH_ATTRIBUTES),
    });
    closing.add(() => server.stop());
    const connected = await connectToTemporal({ address: server.address, namespace: NAMESPACE });
    closing.add(() => connected.close());
    await io.installRuntime({ logger, metricsAddress: undefined });
    const { NativeConnection } = await import('@temporalio/worker');
    const connection = await NativeConnection.connect({ address: server.address });
    closing.add(() => connection.close());
    return await work({ client: connected.client, connection, namespace: NAMESPACE });
  } finally {
    await closing.close();
  }
}
