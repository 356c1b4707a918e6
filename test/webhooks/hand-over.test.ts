import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { createTemporalHandOver } from '../../src/webhooks/index.ts';
import type { Delivery } from '../../src/webhooks/index.ts';
import { recordingLogger } from './helpers/receiver.ts';

const hint = { eventId: 'evt-1', state: 'COMPLETED', receivedAtMs: 0 } as const;
const addresses: Delivery['address'][] = [
  { kind: 'job', job: { service: 'docproc', key: 'invoice-7', generation: 1 } },
  { kind: 'external', externalId: 'ext-1' },
];

/** A port on which nothing answers: connections are refused, or taken and left alone. */
async function silentPort(listening: boolean): Promise<{ port: number; close: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  if (!listening) close();
  return { port, close };
}

describe.each([
  ['refuses connections', false],
  ['takes connections and never answers', true],
])('a Temporal that %s', (_, listening) => {
  it.each(addresses)('is away, and the sender learns so within the deadline: %j', async (address) => {
    const { port, close } = await silentPort(listening);
    const connection = Connection.lazy({ address: `127.0.0.1:${port}` });
    const logger = recordingLogger();
    const handOver = createTemporalHandOver({ client: new Client({ connection }), logger, deadlineMs: 300 });

    try {
      const startedAtMs = performance.now();
      expect(await handOver({ service: 'docproc', address, hint })).toBe('temporal_away');
      expect(performance.now() - startedAtMs).toBeLessThan(1500);
      expect(await handOver({ service: 'docproc', address, hint })).toBe('temporal_away');
      expect(logger.lines).toMatchObject([{ level: 'warn', fields: { service: 'docproc' } }]);
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 1000)); // the SDK's last retry: it would find its connection closed
      await connection.close();
      close();
    }
  });
});
