/** Runs the two hand-written workflows, and takes the floor's webhooks on a port of its own: argument 1 is a {@link FloorOrder}. */
import { createServer } from 'node:http';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { request } from 'undici';
import type { FloorActivities } from '../floor-workflows.ts';
import type { FloorOrder } from '../orders.ts';

const order = JSON.parse(process.argv[2] ?? '') as FloorOrder;
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});
process.stdin.once('end', () => process.exit(1)).resume();

if (order.does === 'webhooks') {
  const client = new Client({ connection: await Connection.connect({ address: order.address }) });
  const server = createServer((incoming, outgoing) => {
    const key = decodeURIComponent(incoming.url?.split('/').at(-1) ?? '');
    incoming.resume().once('end', () => {
      client.workflow.getHandle(key).signal('done').then(
        () => outgoing.writeHead(200).end(),
        () => outgoing.writeHead(503).end(),
      ); // prettier-ignore
    });
  });
  server.listen(order.port, '127.0.0.1', () => process.stdout.write('ready\n'));
} else {
  const activities: FloorActivities = {
    post: async (key, callback) => {
      const answer = await request(`${order.serviceUrl}/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({
          text: 'a job',
          reference: key,
          callback: callback && `${callback}/${encodeURIComponent(key)}`,
        }),
      });
      return ((await answer.body.json()) as { readonly id: string }).id;
    },
    get: async (id) => {
      const answer = await request(`${order.serviceUrl}/jobs/${id}`);
      return ((await answer.body.json()) as { readonly status: string }).status === 'DONE';
    },
  };
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address: order.address }),
    taskQueue: 'floor',
    workflowBundle: { codePath: order.bundle },
    activities: { ...activities },
    maxCachedWorkflows: 50,
  });
  const running = worker.run();
  process.stdout.write('ready\n');
  await running;
}
