import { NativeConnection } from '@temporalio/worker';
import { createClosing } from '../compose/closing.ts';
import { lazyClient, serverToUse } from '../compose/external.ts';
import { startHealth } from '../compose/health.ts';
import { InterruptedError } from '../compose/interrupted-error.ts';
import { startLogging } from '../compose/logging.ts';
import { metricsAddress } from '../compose/metrics-address.ts';
import { startProcessMetrics } from '../compose/process-metrics.ts';
import { productionServices } from '../compose/production-services.ts';
import { untilReachable } from '../compose/retrying.ts';
import { checkSetup } from '../compose/setup.ts';
import { startTemporalWatch, type TemporalWatch } from '../compose/temporal-watch.ts';
import { openTracing } from '../compose/tracing.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { workerVersion } from '../compose/worker-version.ts';
import { startWorker } from '../compose/worker-part.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { VERSION } from '../version.ts';

export interface WorkerOptions {
  readonly path: readonly string[];
  readonly configs: readonly string[];
  readonly host: string;
  /** Of the health endpoint; without it there is none. */
  readonly port: number | undefined;
  /** Where Prometheus finds the metrics. */
  readonly metrics: string | undefined;
}

/** Longer than the longest attempt of a request usually is. */
const SHUTDOWN_GRACE_MS = 30_000;

/** A worker on its own, until interrupted. */
export async function runWorker(io: CliIo, options: WorkerOptions): Promise<ExitCode> {
  const { path, host, port } = options;
  const logging = startLogging(io, 'info', path);
  const { logger, redactor } = logging;
  const services = await productionServices(io, options.configs, path, redactor.learn);
  const integrations = services.map(({ integration }) => integration);
  const server = serverToUse(io);
  const version = workerVersion(io);
  const address = metricsAddress(io, options.metrics, path);
  const closing = createClosing();
  let isPolling = false;
  let watch: TemporalWatch | undefined;
  const isReady = (): boolean => isPolling && watch?.isUp() === true;
  try {
    if (port !== undefined) {
      const health = await startHealth({ host, port, isReady });
      closing.add(() => health.close());
      logger.info({ port: health.port }, 'Health at /healthz and /readyz');
    }
    const tracing = await openTracing(io, 'playbook-worker', logging, closing);
    const metrics = await io.installRuntime({ logger, metricsAddress: address });
    const measured = startProcessMetrics({ metrics, version: VERSION, buildId: version?.buildId, isReady });
    closing.add(() => measured.stop());
    metrics.set('playbook_temporal_up', {}, 0);
    const { client, close } = lazyClient(server);
    closing.add(close);
    const connection = await untilReachable(server, { logger, interrupt: io.interrupt }, async () => {
      await client.connection.ensureConnected();
      await checkSetup(client, integrations);
      return NativeConnection.connect(server.connection);
    });
    closing.add(() => connection.close());
    const { namespace, dataConverter } = server;
    watch = startTemporalWatch({
      client,
      address: server.address,
      logger,
      metrics,
      meanwhile: 'nothing is sent until it does, and nothing is lost',
      up: true,
    });
    closing.add(watch.stop);
    const worker = await startWorker({
      io,
      logger,
      metrics,
      tracing,
      connection,
      namespace,
      services,
      closing,
      shutdownGraceMs: SHUTDOWN_GRACE_MS,
      version,
      ...(dataConverter === undefined ? {} : { dataConverter }),
    });
    isPolling = true;
    const names = integrations.map(({ service }) => service);
    logger.info({ address: server.address, namespace, services: names, ...version }, 'Worker is polling');
    await Promise.race([untilAborted(io.interrupt), worker.ended]);
    logger.info({}, 'Worker is stopping: what is under way may finish');
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
  } finally {
    isPolling = false;
    await closing.close();
  }
  logger.info({}, 'Worker has stopped');
  return EXIT.ok;
}
