import { Client, Connection, type DataConverter } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { dataConverterFromEnvironment } from '../codec/from-environment.ts';
import { PlaybookError } from '../contracts/errors.ts';
import { callerTracing } from './caller-tracing.ts';
import { closable } from './closable.ts';

/** Where Temporal is: the standard environment configuration unless given. */
export interface ConnectOptions {
  readonly address?: string;
  readonly namespace?: string;
  /** @default what `PLAYBOOK_CODEC_KEYS` asks for: encryption, or none */
  readonly dataConverter?: DataConverter;
  /** Milliseconds to wait for the connection. @default 10_000 */
  readonly timeoutMs?: number;
}

/** A connected Temporal client; close it when done. */
export interface Connected {
  readonly client: Client;
  readonly close: () => Promise<void>;
}

/**
 * Connects by Temporal's standard environment configuration: `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`,
 * `TEMPORAL_TLS_…`, or a profile of `TEMPORAL_CONFIG_FILE`.
 * @throws PlaybookError TEMPORAL_UNREACHABLE, or CONFIG_INVALID for codec keys that cannot be read
 */
export async function connectToTemporal(options: ConnectOptions = {}): Promise<Connected> {
  const config = loadClientConnectConfig();
  const address = options.address ?? config.connectionOptions.address ?? 'localhost:7233';
  const namespace = options.namespace ?? config.namespace ?? 'default';
  const dataConverter = options.dataConverter ?? dataConverterFromEnvironment(process.env);
  const { interceptors, closing } = closable();
  try {
    const connection = await Connection.connect({
      ...config.connectionOptions,
      interceptors,
      address,
      connectTimeout: options.timeoutMs ?? 10_000,
    });
    const client = new Client({
      connection,
      namespace,
      interceptors: { workflow: [callerTracing()] },
      ...(dataConverter === undefined ? {} : { dataConverter }),
    });
    const close = async (): Promise<void> => {
      closing();
      await connection.close();
    };
    return { client, close };
  } catch (error) {
    closing();
    throw new PlaybookError(
      'TEMPORAL_UNREACHABLE',
      `Temporal at ${address} does not answer. Check TEMPORAL_ADDRESS and the server.`,
      {
        cause: error,
      },
    );
  }
}
