import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { systemClock } from '../../src/http/clock.ts';
import { createTransport } from '../../src/http/transport.ts';
import type { Transport, TransportOptions } from '../../src/http/transport.ts';

export interface TestServer {
  readonly url: URL;
  /** Connections accepted so far. */
  readonly connections: () => number;
}

/** Starts what a test needs and stops it afterwards: `afterEach(stage.clear)`. */
export function createStage() {
  const stops: (() => Promise<void>)[] = [];

  const listen = async (server: Server, scheme = 'http'): Promise<TestServer> => {
    const sockets = new Set<Socket>();
    let accepted = 0;
    server.on('connection', (socket: Socket) => {
      accepted += 1;
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    stops.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    });
    const { port } = server.address() as AddressInfo;
    return { url: new URL(`${scheme}://127.0.0.1:${port}`), connections: () => accepted };
  };

  return {
    listen,
    http: (answer: (...args: Parameters<RequestListener>) => unknown) =>
      listen(
        createServer((request, response) => {
          Promise.resolve(answer(request, response)).catch(() => response.destroy());
        }),
      ),
    tcp: (connected: (socket: Socket) => void) => listen(createTcpServer(connected)),
    transport: (options: Partial<TransportOptions> = {}): Transport => {
      const transport = createTransport({
        connectTimeoutMs: 1000,
        readTimeoutMs: 2000,
        totalTimeoutMs: 4000,
        clock: systemClock,
        ...options,
      });
      stops.unshift(transport.close);
      return transport;
    },
    clear: async () => {
      for (const stop of stops.splice(0)) await stop();
    },
  };
}

/** Reads a request's whole body. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export const never: AbortSignal = new AbortController().signal;
