import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PlaybookError } from '../contracts/errors.ts';
import { createByteBudget } from './byte-budget.ts';
import { createFairSlots } from './fair-slots.ts';
import { completeLimits } from './limits.ts';
import type { PlainResponse } from './plain-http.ts';
import { readBody } from './read-body.ts';
import { createReceiver } from './receiver.ts';
import type { ReceiverDeps } from './receiver.ts';
import { REFUSALS } from './responses.ts';
import { sourceAddress } from './source-address.ts';

export interface ReceiverOptions extends ReceiverDeps {
  /** 0 picks a free one. */
  readonly port: number;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Proxies of ours in front, which append to X-Forwarded-For. @default 0: the peer's own address counts */
  readonly trustedProxies?: number;
}

export interface RunningReceiver {
  readonly url: string;
  readonly port: number;
  /** Takes no new connection, lets running requests finish, and resolves when all is closed. */
  readonly close: () => Promise<void>;
}

/** How long, and how much, a refused sender may go on before its connection is reset: enough to let it read the answer. */
const LINGER_MS = 2000;
const LINGER_BYTES = 8 * 1024 * 1024;
/** How long requests under way get to finish on close. */
const CLOSE_MS = 10_000;

/**
 * Serves {@link createReceiver} over HTTP.
 * @throws PlaybookError PORT_IN_USE when the port is taken; CONFIG_INVALID as {@link createReceiver}.
 */
export async function startReceiver(options: ReceiverOptions): Promise<RunningReceiver> {
  const limits = completeLimits(options.limits);
  const receiver = createReceiver(options);
  const budget = createByteBudget(limits.maxBufferedBytes);
  const slots = createFairSlots({ max: limits.maxBodies, maxPerSource: limits.maxBodiesPerSource });
  const bodyLimits = { budget, slots, timeoutMs: limits.bodyTimeoutMs };
  const trustedProxies = options.trustedProxies ?? 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const source = sourceAddress(request.socket.remoteAddress, request.headers['x-forwarded-for'], trustedProxies);
    const plain = await receiver.handle({
      method: request.method ?? '',
      target: request.url ?? '',
      rawHeaders: request.rawHeaders,
      source,
      readBody: (wanted) => readBody(request, source, wanted, bodyLimits),
    });
    respond(request, response, plain);
  };

  const server = createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs + LINGER_MS,
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
      insecureHTTPParser: false,
    },
    (request, response) => void answer(request, response),
  );
  server.maxHeadersCount = 0; // Node would silently drop what is beyond it, Content-Length included; the receiver counts and refuses
  server.on('clientError', refuseClient);
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    respond(request, response, REFUSALS.expectationFailed),
  );
  guardConnections(server, limits.maxConnections);
  await listen(server, options.port, options.host ?? '127.0.0.1');

  const { address, port, family } = server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return { url: `http://${host}:${port}`, port, close: () => close(server) };
}

function respond(request: IncomingMessage, response: ServerResponse, plain: PlainResponse): void {
  const headers = {
    ...plain.headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(plain.body),
    ...(plain.close && { connection: 'close' }),
  };
  response.writeHead(plain.status, headers);
  if (!plain.close || request.complete) response.end(plain.body);
  else linger(request, response, plain.body);
}

/**
 * Answers, but reads and drops what the refused sender still has on the way before the connection is closed: closing with bytes unread
 * resets it, and with it often the answer the sender has not read yet.
 */
function linger(request: IncomingMessage, response: ServerResponse, body: string): void {
  const { socket } = request;
  response.write(body);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  let dropped = 0;
  request.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > LINGER_BYTES) socket.destroy();
  });
  request.on('end', () => response.end());
  socket.once('close', () => clearTimeout(timer));
}

/** What Node refuses by itself: bytes that are not HTTP, headers that are too large or too slow. */
function refuseClient(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const { status, body } = CLIENT_REFUSALS[error.code ?? ''] ?? REFUSALS.badRequest;
  const head = `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

const CLIENT_REFUSALS: Readonly<Record<string, PlainResponse>> = {
  HPE_HEADER_OVERFLOW: REFUSALS.headersTooLarge,
  ERR_HTTP_REQUEST_TIMEOUT: REFUSALS.tooSlow,
};

/** Idle connections cost memory and descriptors: over the limit, the source that holds most loses its oldest. */
function guardConnections(server: Server, maxConnections: number): void {
  const slots = createFairSlots({ max: maxConnections, maxPerSource: maxConnections });
  server.on('connection', (socket: Socket) => {
    const release = slots.take(sourceAddress(socket.remoteAddress, undefined, 0), () => socket.destroy());
    socket.once('close', release);
  });
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message = `The webhook receiver cannot listen on ${host}:${port} (${error.code ?? error.name}). Choose another port with --port.`;
      reject(new PlaybookError('PORT_IN_USE', message, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

async function close(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
  });
  clearTimeout(timer);
}
