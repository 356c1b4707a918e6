import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlaybookError } from '../../contracts/errors.ts';

/** Answers `/healthz` (the process lives) and `/readyz` (it works), for a process that serves nothing else. */
export interface Health {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** @throws PlaybookError PORT_IN_USE */
export async function startHealth(options: {
  readonly port: number;
  readonly host: string;
  readonly isReady: () => boolean;
}): Promise<Health> {
  const server = createServer((request, response) => {
    const status = request.url === '/healthz' ? 200 : request.url !== '/readyz' ? 404 : options.isReady() ? 200 : 503;
    response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${WORDS[status]}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `${options.host}:${options.port} cannot be listened on (${cause.code}). Choose another port with --port.`;
      reject(new PlaybookError('PORT_IN_USE', message, { cause }));
    });
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port, close };
}

const WORDS = { 200: 'ok', 404: 'not found', 503: 'not ready' } as const;
