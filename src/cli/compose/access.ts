import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectToTemporal } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { homePath } from '../../embedded/index.ts';
import type { CliIo } from '../io.ts';
import { startEmbedded } from './embedded.ts';
import type { Embedded, EmbeddedOptions } from './embedded.ts';
import { converterOf, lazyClient, namedServer, unreachable } from './external.ts';
import { announcedEndpoints } from './home-facts.ts';

/** A way to jobs. */
export interface Access {
  /** `external`: a server of its own. `attached`: what another process of this home runs. `embedded`: what this process runs. */
  readonly kind: 'external' | 'attached' | 'embedded';
  readonly client: Client;
  readonly uiUrl?: string;
  /** Rejects when embedded parts end, by themselves or with the process that runs them. */
  readonly broken?: Promise<never>;
  readonly close: () => Promise<void>;
}

const ATTACH_MS = 60_000;
const WATCH_MS = 250;

/**
 * The Temporal that the environment names; else what runs in this home; else the embedded parts, started here.
 * @throws PlaybookError TEMPORAL_UNREACHABLE, or as `startEmbedded`
 */
export async function openAccess(options: EmbeddedOptions): Promise<Access> {
  const external = await externalAccess(options.io);
  if (external !== undefined) return external;
  const until = performance.now() + ATTACH_MS;
  for (;;) {
    try {
      return ofEmbedded(await startEmbedded(options));
    } catch (error) {
      if (!(error instanceof PlaybookError) || error.code !== 'HOME_IN_USE') throw error;
      const attached = await attach(options.io);
      if (attached !== undefined) return attached;
      if (performance.now() > until) throw error;
      options.io.interrupt.throwIfAborted();
      await sleep(200); // it is just starting or stopping
    }
  }
}

/**
 * The Temporal that the environment names, else what runs in this home: for commands that only look or tell.
 * @throws PlaybookError TEMPORAL_UNREACHABLE
 */
export async function openRunning(io: CliIo): Promise<Access> {
  const access = (await externalAccess(io)) ?? (await attach(io));
  if (access !== undefined) return access;
  throw new PlaybookError(
    'TEMPORAL_UNREACHABLE',
    `Nothing runs in ${homePath(io.env, io.cwd)}. Start \`playbook up\` there, or set TEMPORAL_ADDRESS to a server of your own.`,
  );
}

async function externalAccess(io: CliIo): Promise<Access | undefined> {
  const server = namedServer(io);
  if (server === undefined) return undefined;
  const { client, close } = lazyClient(server);
  try {
    await client.connection.ensureConnected();
  } catch (error) {
    await close();
    throw unreachable(server, error);
  }
  return { kind: 'external', client, close };
}

async function attach(io: CliIo): Promise<Access | undefined> {
  const endpoints = await announcedEndpoints(homePath(io.env, io.cwd));
  if (endpoints === undefined) return undefined;
  try {
    const { client, close } = await connectToTemporal({
      address: endpoints.temporal,
      namespace: 'default',
      timeoutMs: 2000,
      ...converterOf(io),
    });
    const watch = watchHolder(homePath(io.env, io.cwd));
    const closeAll = async (): Promise<void> => {
      watch.stop();
      await close();
    };
    return { kind: 'attached', client, uiUrl: endpoints.uiUrl, broken: watch.gone, close: closeAll };
  } catch {
    return undefined; // announced by a process that was killed
  }
}

/** Notices that whoever runs the embedded parts ends, before calls to its server have failed for long enough. */
function watchHolder(home: string): { readonly gone: Promise<never>; readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<never>((_, reject) => {
    const look = async (): Promise<void> => {
      if ((await announcedEndpoints(home)) !== undefined) return;
      reject(new PlaybookError('TEMPORAL_UNREACHABLE', `What ran in ${home} has ended.`));
    };
    timer = setInterval(() => void look(), WATCH_MS);
  });
  gone.catch(() => undefined); // told to whoever waits for it
  return { gone, stop: () => clearInterval(timer) };
}

function ofEmbedded({ client, uiUrl, broken, close }: Embedded): Access {
  return { kind: 'embedded', client, uiUrl, broken, close };
}
