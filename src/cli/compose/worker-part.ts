import type { DataConverter, WorkerDeploymentVersion } from '@temporalio/common';
import type { Recorder } from '../../http/record-tokens.ts';
import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import type { Route } from '../../contracts/states.ts';
import type { SkewWatch } from '../../http/skew-watch.ts';
import type { Logger } from '../../logging/logger.ts';
import type { OwnedRuntime } from '../../workers/index.ts';
import type { Tracing } from '../../tracing/index.ts';
import type { CliIo } from '../io.ts';
import type { ClockWatches } from './clock-watches.ts';
import type { Closing } from './closing.ts';
import type { ConfiguredService } from './service-configs.ts';
import type { NativeConnection } from '@temporalio/worker';

export interface WorkerPartOptions {
  readonly io: CliIo;
  readonly logger: Logger;
  readonly metrics: MetricRecorder;
  /** @default nobody traces */
  readonly tracing?: Tracing | undefined;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly services: readonly ConfiguredService[];
  /** Gets how the worker is stopped. */
  readonly closing: Closing;
  /** Of the workflow code, where versions run side by side. @default there is one code only */
  readonly version?: WorkerDeploymentVersion | undefined;
  /** Milliseconds running attempts get to finish. */
  readonly shutdownGraceMs: number;
  /** What is known of the services' clocks beside their answers. @default nothing */
  readonly clocks?: ClockWatches;
  /** Told every transmission to a service. @default nobody */
  readonly recorder?: Recorder | undefined;
  /** Encrypts what Temporal stores. @default Temporal's own */
  readonly dataConverter?: DataConverter;
}

/**
 * Starts the worker of this process. The runtime is installed by now.
 * @returns its run, which rejects if the worker fails; stopping is up to `closing`
 */
export async function startWorker(options: WorkerPartOptions): Promise<{ readonly ended: Promise<void> }> {
  const { io, logger, metrics, tracing, connection, namespace, closing, clocks, dataConverter } = options;
  const { createJobWorker, createServiceRuntime } = await import('../../workers/index.ts');
  const runtimeOf = (
    { integration, config, secrets }: ConfiguredService,
    route: Route,
    skewWatch?: SkewWatch,
  ): OwnedRuntime => {
    const runtime = createServiceRuntime(
      { integration, config },
      {
        secrets,
        logger,
        metrics,
        route,
        recorder: options.recorder,
        ...(tracing === undefined ? {} : { trace: tracing.requests }),
        ...(skewWatch === undefined ? {} : { skewWatch }),
      },
    );
    closing.add(() => runtime.close());
    return runtime;
  };
  const services = options.services.map((service) =>
    runtimeOf(service, 'live', clocks?.of(service.integration.service)),
  );
  const fallbacks = options.services.flatMap(({ fallback }) =>
    fallback === undefined ? [] : [runtimeOf(fallback, 'fallback')],
  );
  const worker = await createJobWorker({
    connection,
    namespace,
    services,
    fallbacks,
    logger,
    metrics,
    ...(dataConverter === undefined ? {} : { dataConverter }),
    workflowBundle: await io.workflowBundle({ encrypting: dataConverter !== undefined }),
    ...(tracing === undefined ? {} : { tracing }),
    shutdownGraceMs: options.shutdownGraceMs,
    ...(options.version === undefined ? {} : { version: options.version }),
  });
  const ended = worker.run();
  ended.catch(() => undefined); // told through `ended`; a rejection nobody has come to wait for yet must not end the process
  closing.add(async () => {
    worker.shutdown();
    await ended.catch(() => undefined);
  });
  return { ended };
}
