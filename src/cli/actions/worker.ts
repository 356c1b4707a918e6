import { createClosing } from '../compose/closing.ts';
import { lazyClient, serverToUse } from '../compose/external.ts';
import { startHealth } from '../compose/health.ts';
import { InterruptedError } from '../compose/interrupted-error.ts';
import { startLogging } from '../compose/logging.ts';
import { productionServices } from '../compose/production-services.ts';
import { untilReachable } from '../compose/retrying.ts';
import { checkSetup } from '../compose/setup.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { startWorker } from '../compose/worker-part.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

export interface WorkerOptions {
  readonly path: readonly string[];
  readonly configs: readonly string[];
  readonly host: string;
  /** Of the health endpoint; without it there is none. */
  readonly port: number | undefined;
}

/** Longer than the longest attempt of a request usually is. */
const SHUTDOWN_GRACE_MS = 30_000;

/** A worker on its own, until interrupted. */
export async function runWorker(io: CliIo, { path, configs, host, port }: WorkerOptions): Promise<ExitCode> {
  const { logger, redactor } = startLogging(io, 'info', path);
  const services = await productionServices(io, configs, path, redactor.learn);
  const server = serverToUse(io);
  const closing = createClosing();
  let isReady = false;
  try {
    if (port !== undefined) {
      const health = await startHealth({ host, port, isReady: () => isReady });
      closing.add(() => health.close());
      logger.info({ port: health.port }, 'Health at /healthz and /readyz');
    }
    const { client, close } = lazyClient(server);
    closing.add(close);
    await untilReachable(server, { logger, interrupt: io.interrupt }, () => client.connection.ensureConnected());
    await checkSetup(
      client,
      services.map(({ integration }) => integration),
    );
    const { namespace, connection, dataConverter } = server;
    const worker = await startWorker({
      io,
      logger,
      connection,
      namespace,
      services,
      closing,
      shutdownGraceMs: SHUTDOWN_GRACE_MS,
      ...(dataConverter === undefined ? {} : { dataConverter }),
    });
    isReady = true;
    const names = services.map(({ integration }) => integration.service);
    logger.info({ address: server.address, namespace, services: names }, 'Worker is polling');
    await Promise.race([untilAborted(io.interrupt), worker.ended]);
    logger.info({}, 'Worker is stopping: what is under way may finish');
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
  } finally {
    isReady = false;
    await closing.close();
  }
  logger.info({}, 'Worker has stopped');
  return EXIT.ok;
}
