import { NO_METRICS } from '../../contracts/metric-recorder.ts';
import { VERSION } from '../version.ts';
import { createClosing } from '../compose/closing.ts';
import { lazyClient, serverToUse } from '../compose/external.ts';
import { metricsAddress } from '../compose/metrics-address.ts';
import { startProcessMetrics } from '../compose/process-metrics.ts';
import { startTemporalWatch } from '../compose/temporal-watch.ts';
import { startLogging } from '../compose/logging.ts';
import { productionServices } from '../compose/production-services.ts';
import { startReceiverPart } from '../compose/receiver-part.ts';
import { openTracing } from '../compose/tracing.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

export interface ReceiverOptions {
  readonly path: readonly string[];
  readonly configs: readonly string[];
  readonly host: string;
  readonly port: number;
  /** Proxies of ours in front: who sent a webhook is whom the outermost of them saw. */
  readonly trustedProxies: number;
  /** Where Prometheus finds the metrics. */
  readonly metrics: string | undefined;
}

/**
 * The webhook receiver on its own, until interrupted. It listens at once, also while Temporal is away: senders are then told to
 * come again, which beats a refused connection.
 */
export async function runReceiver(
  io: CliIo,
  { path, configs, host, port, trustedProxies, metrics: asked }: ReceiverOptions,
): Promise<ExitCode> {
  const logging = startLogging(io, 'info', path);
  const { logger, redactor } = logging;
  const services = await productionServices(io, configs, path, redactor.learn);
  const server = serverToUse(io);
  const address = metricsAddress(io, asked, path);
  const closing = createClosing();
  try {
    const tracing = await openTracing(io, 'playbook-webhooks', logging, closing);
    const { client, close } = lazyClient(server);
    closing.add(close);
    // The native part is loaded for its metrics alone.
    const metrics = address === undefined ? NO_METRICS : await io.installRuntime({ logger, metricsAddress: address });
    const watch = startTemporalWatch({
      client,
      address: server.address,
      logger,
      metrics,
      meanwhile: 'webhooks are answered 503, and their senders come again',
      up: false,
    });
    closing.add(() => watch.stop());
    const measured = startProcessMetrics({ metrics, version: VERSION, buildId: undefined, isReady: watch.isUp });
    closing.add(() => measured.stop());
    const receiver = await startReceiverPart({
      client,
      logger,
      services,
      host,
      port,
      trustedProxies,
      metrics,
      tracing,
      ready: watch.isUp,
    });
    closing.add(() => receiver.close());
    const names = services.map(({ integration }) => integration.service);
    logger.info({ url: receiver.url, address: server.address, services: names }, 'Receiver is listening');
    client.connection.ensureConnected().catch(() => {
      logger.warn(
        { address: server.address },
        'Temporal does not answer yet; until it does, webhooks are answered 503',
      );
    });
    await untilAborted(io.interrupt);
    logger.info({}, 'Receiver is stopping: requests under way may finish');
  } finally {
    await closing.close();
  }
  logger.info({}, 'Receiver has stopped');
  return EXIT.ok;
}
