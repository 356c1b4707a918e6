import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A webhook as it came, and what the receiver answered. */
export interface DeliveredWebhook {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly status: number;
}

/** Stands before the receiver and remembers what went through. */
export interface DeliveryLog {
  readonly url: string;
  readonly all: () => readonly DeliveredWebhook[];
  readonly close: () => Promise<void>;
}

/** Starts a log in front of `target`, which is known once the receiver runs. */
export async function startDeliveryLog(target: () => string): Promise<DeliveryLog> {
  const deliveries: DeliveredWebhook[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      const path = request.url ?? '/';
      const headers = plain(request.headers);
      try {
        const { status, headers: answered } = await postBytes(`${target()}${path}`, headers, body);
        deliveries.push({ path, headers, body, status });
        const retryAfter = answered.get('retry-after');
        response.writeHead(status, retryAfter === null ? {} : { 'retry-after': retryAfter }).end();
      } catch {
        response.destroy(); // the receiver is not there: the sender comes again
      }
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    all: () => deliveries,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Sends a webhook's bytes as they are. */
export async function postBytes(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<{ readonly status: number; readonly headers: Headers }> {
  const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
  await answer.arrayBuffer();
  return answer;
}

const HOP_BY_HOP = new Set(['connection', 'host', 'content-length', 'transfer-encoding', 'keep-alive']);

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && !HOP_BY_HOP.has(name) ? [[name, value]] : [],
    ),
  );
}
