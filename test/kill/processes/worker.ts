/** A docproc worker in a process of its own, to be killed. Configured by its environment; says `polling` once it is. */
import { readFileSync } from 'node:fs';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime } from '@temporalio/worker';
import pino from 'pino';
import { integration } from '../../../integrations/docproc/src/index.ts';
import { createSecrets, parseConfig } from '../../../src/definition/index.ts';
import { createJobWorker, createServiceRuntime } from '../../../src/workers/index.ts';

const { env } = process;
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});
const secrets = createSecrets({ env });
const logger = pino({ level: 'silent' });
const config = parseConfig(readFileSync(env['KILL_CONFIG'] ?? '', 'utf8'), { service: integration.service });
const connection = await NativeConnection.connect({ address: env['KILL_ADDRESS'] ?? '' });
const worker = await createJobWorker({
  connection,
  namespace: env['KILL_NAMESPACE'] ?? '',
  services: [createServiceRuntime({ integration, config }, { secrets, logger })],
  logger,
  workflowBundle: { codePath: env['KILL_BUNDLE'] ?? '' },
});
const running = worker.run();
process.stdout.write('polling\n');
await running;
