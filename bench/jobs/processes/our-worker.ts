/** Runs our jobs, or takes their webhooks: argument 1 is an {@link OurOrder}. */
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime } from '@temporalio/worker';
import pino from 'pino';
import { createSecrets, parseConfig } from '../../../src/definition/index.ts';
import { createTemporalHandOver, startReceiver } from '../../../src/webhooks/index.ts';
import { createJobWorker, createServiceRuntime } from '../../../src/workers/index.ts';
import { benched, benchedConfig, trustingBenched, SERVICE, TOKEN_SECRET, WEBHOOK_SECRET } from '../benched.ts';
import type { OurOrder } from '../orders.ts';

const order = JSON.parse(process.argv[2] ?? '') as OurOrder;
// As in production: `info` for what matters, and nobody reads it here.
const integration = order.trusting ? trustingBenched : benched;
const logger = pino({ level: 'info' }, pino.destination({ dest: '/dev/null', sync: false }));
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});
process.stdin.once('end', () => process.exit(1)).resume();

if (order.does === 'webhooks') {
  const client = new Client({ connection: await Connection.connect({ address: order.address }) });
  await startReceiver({
    port: order.port,
    logger,
    handOver: createTemporalHandOver({ client, logger }),
    services: new Map([
      [
        SERVICE,
        {
          integration,
          toleranceMs: 300_000,
          secrets: async () => [WEBHOOK_SECRET],
          tokenSecrets: async () => [TOKEN_SECRET],
        },
      ],
    ]),
  });
  process.stdout.write('ready\n');
} else {
  const config = parseConfig(benchedConfig(order.serviceUrl, order.receiverUrl), { service: SERVICE });
  const secrets = createSecrets({ env: { WEBHOOK_SECRET, TOKEN_SECRET } });
  const worker = await createJobWorker({
    connection: await NativeConnection.connect({ address: order.address }),
    namespace: 'default',
    services: [createServiceRuntime({ integration, config }, { secrets, logger })],
    logger,
    workflowBundle: { codePath: order.bundle },
  });
  const running = worker.run();
  process.stdout.write('ready\n');
  await running;
}
