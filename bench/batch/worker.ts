/** The worker of the batch bench, in a process of its own: argument 1 is {@link ProcessArguments} as JSON. */
import { NativeConnection } from '@temporalio/worker';
import pino from 'pino';
import { createSecrets, parseConfig } from '../../src/definition/index.ts';
import { createJobWorker, createServiceRuntime } from '../../src/workers/index.ts';
import { quiet } from './quiet.ts';
import { SERVICE, stubbed } from './stubbed.ts';
import type { ProcessArguments } from './lab.ts';

const { address, bundle, config, env } = JSON.parse(process.argv[2] ?? '') as ProcessArguments;
quiet();
const logger = pino({ level: 'silent' });
const runtime = createServiceRuntime(
  { integration: stubbed, config: parseConfig(config, { service: SERVICE }) },
  { secrets: createSecrets({ env }), logger },
);
const connection = await NativeConnection.connect({ address });
const worker = await createJobWorker({
  connection,
  namespace: 'default',
  services: [runtime],
  logger,
  workflowBundle: { codePath: bundle },
  shutdownGraceMs: 5_000,
});
process.stdin.once('end', () => process.exit(1)).resume();
const running = worker.run();
process.stdout.write('ready\n');
await running;
