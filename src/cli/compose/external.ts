import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import type { DataConverter } from '@temporalio/common';
import { dataConverterFromEnvironment } from '../../codec/from-environment.ts';
import { callerTracing } from '../../client/caller-tracing.ts';
import { closable } from '../../client/closable.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import type { CliIo } from '../io.ts';
import { messageOf } from '../../rules/message-of.ts';

/** A Temporal server that is not ours to start. */
export interface External {
  readonly address: string;
  readonly namespace: string;
  readonly connection: ClientConnectConfig['connectionOptions'];
  /** Encrypts what Temporal stores, where the environment asks for it. */
  readonly dataConverter?: DataConverter;
}

const USUAL_ADDRESS = 'localhost:7233';

/**
 * The server that `TEMPORAL_ADDRESS` or Temporal's other environment configuration (profile, file) names.
 * @throws PlaybookError CONFIG_INVALID when that configuration cannot be read
 */
export function namedServer(io: CliIo): External | undefined {
  const named = namedIn(io);
  return named === undefined ? undefined : { ...named, ...converterOf(io) };
}

function namedIn(io: CliIo): External | undefined {
  const set = Object.entries(io.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  try {
    const { connectionOptions, namespace = 'default' } = loadClientConnectConfig({
      overrideEnvVars: Object.fromEntries(set),
    });
    const { address } = connectionOptions;
    return address === undefined || address === '' ? undefined : { address, namespace, connection: connectionOptions };
  } catch (cause) {
    const why = messageOf(cause);
    throw new PlaybookError('CONFIG_INVALID', `Temporal's environment configuration cannot be read: ${why}`, { cause });
  }
}

/** The named server, else the usual one on this machine: for commands that work beside a server as in production. */
export function serverToUse(io: CliIo): External {
  const connection = { address: USUAL_ADDRESS };
  return namedServer(io) ?? { address: USUAL_ADDRESS, namespace: 'default', connection, ...converterOf(io) };
}

/** A client that connects when it is first used. */
export function lazyClient({ connection, namespace, dataConverter }: External): {
  readonly client: Client;
  readonly close: () => Promise<void>;
} {
  const { interceptors, closing } = closable();
  const lazy = Connection.lazy({ ...connection, interceptors, connectTimeout: 5000 });
  const close = async (): Promise<void> => {
    closing();
    await lazy.close();
  };
  const converter = dataConverter === undefined ? {} : { dataConverter };
  return {
    client: new Client({ connection: lazy, namespace, interceptors: { workflow: [callerTracing()] }, ...converter }),
    close,
  };
}

/** What the environment says of encryption, as options take it. @throws PlaybookError CONFIG_INVALID */
export function converterOf({ env }: CliIo): { readonly dataConverter?: DataConverter } {
  const dataConverter = dataConverterFromEnvironment(env);
  return dataConverter === undefined ? {} : { dataConverter };
}

export function unreachable({ address }: External, cause: unknown): PlaybookError {
  return new PlaybookError(
    'TEMPORAL_UNREACHABLE',
    `Temporal at ${address} does not answer. Check TEMPORAL_ADDRESS and the server.`,
    { cause },
  );
}
