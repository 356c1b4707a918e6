import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { TransportError } from './transport-error.ts';

/** Opens sockets within an exact time: undici's own connect timer runs on a clock that ticks about twice a second. */
export function createConnector(options: {
  readonly connectTimeoutMs: number;
  readonly ca?: string | readonly string[];
}): buildConnector.connector {
  const { connectTimeoutMs, ca } = options;
  const open = buildConnector({
    timeout: 0,
    allowH2: false,
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
  });
  return (target, callback) => {
    // The declared type hides it, but the socket is returned (lib/core/connect.js).
    const socket = open(target, (...result) => {
      clearTimeout(timer);
      callback(...result);
    }) as unknown as Socket;
    const timer = setTimeout(() => {
      const late = `No connection to the service within ${connectTimeoutMs} ms.`;
      socket.destroy(new TransportError('connect-timeout', 'never', late));
    }, connectTimeoutMs);
  };
}
