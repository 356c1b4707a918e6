/** The load generator of `bench/receiver.ts`: a process of its own, so that it does not share the server's event loop. */
import { Agent, request } from 'node:http';

interface Order {
  readonly port: number;
  readonly path: string;
  readonly headers: Record<string, string>;
  /** Bytes of the body; `fill` repeats one character instead. */
  readonly body?: string;
  readonly fill?: number;
  readonly connections: number;
  readonly durationMs: number;
}

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const body = order.fill === undefined ? Buffer.from(order.body ?? '', 'base64') : Buffer.alloc(order.fill, 120);
const agent = new Agent({ keepAlive: true, maxSockets: order.connections });
const statuses: Record<string, number> = {};
const endAtMs = Date.now() + order.durationMs;

const once = async (): Promise<void> =>
  new Promise((resolve) => {
    const count = (status: string): void => {
      statuses[status] = (statuses[status] ?? 0) + 1;
      resolve();
    };
    const outgoing = request(
      {
        agent,
        host: '127.0.0.1',
        port: order.port,
        method: 'POST',
        path: order.path,
        headers: { ...order.headers, 'content-type': 'application/json', 'content-length': body.length },
      },
      (response) => {
        response.resume();
        response.on('end', () => count(String(response.statusCode)));
        response.on('error', () => count('error'));
      },
    );
    outgoing.on('error', () => count('error'));
    outgoing.end(body);
  });

const sender = async (): Promise<void> => {
  while (Date.now() < endAtMs) await once();
};

const startedAtMs = Date.now();
await Promise.all(Array.from({ length: order.connections }, sender));
agent.destroy();
process.stdout.write(JSON.stringify({ statuses, elapsedMs: Date.now() - startedAtMs }));
