/** The webhook receiver of the batch bench, in a process of its own: argument 1 is {@link ProcessArguments} as JSON. */
import pino from 'pino';
import { connectToTemporal } from '../../src/client/index.ts';
import { createTemporalHandOver, startReceiver } from '../../src/webhooks/index.ts';
import { SERVICE, stubbed } from './stubbed.ts';
import type { ProcessArguments } from './lab.ts';

const { address, env, receiverPort } = JSON.parse(process.argv[2] ?? '') as ProcessArguments;
const logger = pino({ level: 'silent' });
const { client } = await connectToTemporal({ address });
await startReceiver({
  port: receiverPort,
  logger,
  handOver: createTemporalHandOver({ client, logger }),
  services: new Map([
    [
      SERVICE,
      {
        integration: stubbed,
        toleranceMs: 300_000,
        secrets: async () => [env['WEBHOOK_SECRET'] ?? ''],
        tokenSecrets: async () => [env['TOKEN_SECRET'] ?? ''],
      },
    ],
  ]),
});
process.stdin.once('end', () => process.exit(1)).resume();
process.stdout.write('ready\n');
