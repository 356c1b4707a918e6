import type { DataConverter } from '@temporalio/common';
import type { Recorder } from '../../http/record-tokens.ts';
import type { SkewWatch } from '../../http/skew-watch.ts';
import type { Logger } from '../../logging/logger.ts';
import type { OwnedRuntime } from '../../workers/index.ts';
import type { CliIo } from '../io.ts';
import type { ClockWatches } from './clock-watches.ts';
import type { Closing } from './closing.ts';
import type { ConfiguredService } from './service-configs.ts';
import type { NativeConnectionOptions } from '@temporalio/worker';

export interface WorkerPartOptions {
  readonly io: CliIo;
  readonly logger: Logger;
  readonly connection: NativeConnectionOptions;
  readonly namespace: string;
  readonly services: readonly ConfiguredService[];
  /** Gets how the worker is stopped. */
  readonly closing: Closing;
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
 * Starts the worker of this process.
 * @returns its run, which rejects if the worker fails; stopping is up to `closing`
 */
export async function startWorker(options: WorkerPartOptions): Promise<{ readonly ended: Promise<void> }> {
  const { io, logger, namespace, closing, clocks, dataConverter } = options;
  await io.installRuntime(logger);
  const [{ NativeConnection }, { createJobWorker, createServiceRuntime }] = await Promise.all([
    import('@temporalio/worker'),
    import('../../workers/index.ts'),
  ]);
  const connection = await NativeConnection.connect(options.connection);
  closing.add(() => connection.close());
  const runtimeOf = ({ integration, config, secrets }: ConfiguredService, skewWatch?: SkewWatch): OwnedRuntime => {
    const runtime = createServiceRuntime(
      { integration, config },
      { secrets, logger, recorder: options.recorder, ...(skewWatch === undefined ? {} : { skewWatch }) },
    );
    closing.add(() => runtime.close());
    return runtime;
  };
  const services = options.services.map((service) => runtimeOf(service, clocks?.of(service.integration.service)));
  const fallbacks = options.services.flatMap(({ fallback }) => (fallback === undefined ? [] : [runtimeOf(fallback)]));
  const worker = await createJobWorker({
    connection,
    namespace,
    services,
    fallbacks,
    logger,
    ...(dataConverter === undefined ? {} : { dataConverter }),
    workflowBundle: await io.workflowBundle({ encrypting: dataConverter !== undefined }),
    shutdownGraceMs: options.shutdownGraceMs,
  });
  const ended = worker.run();
  ended.catch(() => undefined); // told through `ended`; a rejection nobody has come to wait for yet must not end the process
  closing.add(async () => {
    worker.shutdown();
    await ended.catch(() => undefined);
  });
  return { ended };
}
