import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SandboxError } from '../sandbox-error.ts';

/** Longer than any client keeps an idle connection, so that it is the client who closes it and no request is lost to the race. */
const KEEP_ALIVE_MS = 75_000;

/** Starts listening. @throws SandboxError ADDRESS_UNAVAILABLE when the port is taken or not allowed */
export async function listen(
  port: number,
  host: string,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const advice =
        cause.code === 'EADDRINUSE' ? 'Stop what uses the port, or choose another.' : 'Choose another address.';
      const message = `The sandbox cannot listen on ${host}:${port} (${cause.code}). ${advice}`;
      reject(new SandboxError('ADDRESS_UNAVAILABLE', message, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** Stops listening and cuts every connection. */
export async function stopServer(server: Server): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await stopped;
}
