/** A worker process of the gate's lab: argument 1 is {@link WorkerArguments} as JSON. Ends in order on SIGTERM. */
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime } from '@temporalio/worker';
import pino from 'pino';
import { createSecrets, parseConfig } from '../../../src/definition/index.ts';
import { createJobWorker, createServiceRuntime } from '../../../src/workers/index.ts';
import { gated, SERVICE } from '../lab/gated.ts';
import type { WorkerArguments } from '../lab/worker-process.ts';

const { address, namespace, bundle, config } = JSON.parse(process.argv[2] ?? '') as WorkerArguments;
const logger = pino(pino.destination({ fd: 1, sync: true }));
Runtime.install({
  logger: new DefaultLogger('ERROR', ({ message }) => logger.error({}, message)),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  shutdownSignals: [],
});
const runtime = createServiceRuntime(
  { integration: gated, config: parseConfig(config, { service: SERVICE }) },
  { secrets: createSecrets({ env: {} }), logger },
);
const connection = await NativeConnection.connect({ address });
const worker = await createJobWorker({
  connection,
  namespace,
  services: [runtime],
  logger,
  workflowBundle: { codePath: bundle },
  shutdownGraceMs: 5_000,
});
// Whoever started it holds the other end, and takes it along however it ends.
process.stdin.once('end', () => process.exit(1)).resume();
process.once('SIGTERM', () => worker.shutdown());
const running = worker.run();
logger.info({}, 'The worker runs.');
await running;
await runtime.close();
await connection.close();
process.stdin.destroy();
