import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { PayloadCodec } from '@temporalio/common';
import { PlaybookError } from '../contracts/errors.ts';
import { payloadsFromJson, payloadsToJson } from './payload-json.ts';

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  /** 0 picks a free one. */
  readonly port: number;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Where the Web UI is served, such as `http://localhost:8233`: only its pages may ask from a browser. */
  readonly origins: readonly string[];
  /**
   * Decides by the Authorization header, which the Web UI passes on when told to, whether a request may be answered. This server
   * decrypts for whoever it lets in. @default anyone on this machine; needed when `host` is not a loopback address
   */
  readonly authorize?: (authorization: string | undefined) => boolean | Promise<boolean>;
}

export interface CodecServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Twice what Temporal accepts in one message. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** A request that takes longer is cut off, in milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000;

interface Reply {
  readonly status: number;
  readonly json?: unknown;
}

/**
 * Serves Temporal's remote codec protocol (`POST /encode`, `POST /decode`), by which the Web UI and the `temporal` command show encrypted payloads.
 * @throws PlaybookError CONFIG_INVALID when it would decrypt for a whole network, PORT_IN_USE
 */
export async function createCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const { host = '127.0.0.1', port, origins, codec } = options;
  if (options.authorize === undefined && !/^(?:127\.|::1$|localhost$)/.test(host)) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `The codec server would decrypt for anyone who reaches ${host}. Let it listen on 127.0.0.1, or give it \`authorize\`.`,
    );
  }
  const { authorize = () => true } = options;

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const { origin, authorization } = request.headers;
    if (origin !== undefined && !origins.includes(origin)) return problem(403, 'This origin may not ask.');
    if (request.method === 'OPTIONS') return { status: 204 };
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const operation = path.endsWith('/decode') ? 'decode' : path.endsWith('/encode') ? 'encode' : undefined;
    if (operation === undefined) return problem(404, 'Only /encode and /decode are here.');
    if (request.method !== 'POST') return problem(405, 'Use POST.');
    if (!(await authorize(authorization))) return problem(401, 'The Authorization header was not accepted.');
    const body = await readBody(request);
    if (body === undefined) return problem(413, `A request may have at most ${MAX_BODY_BYTES} bytes.`);
    const payloads = payloadsFromJson(parse(body));
    if (payloads === undefined) return problem(400, 'The body must be JSON with a list of payloads.');
    try {
      return { status: 200, json: payloadsToJson(await codec[operation](payloads)) };
    } catch (error) {
      return problem(422, error instanceof PlaybookError ? error.message : 'A payload cannot be read.');
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      send(response, request, await answer(request), origins);
    } catch {
      // The caller is gone, or the connection broke.
      response.destroy();
    }
  };
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void handle(request, response),
  );
  await listen(server, port, host);
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function problem(status: number, message: string): Reply {
  return { status, json: { message } };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Without destroyOnReturn the refusal could not be sent any more.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, request: IncomingMessage, reply: Reply, origins: readonly string[]): void {
  const { origin } = request.headers;
  const body = reply.json === undefined ? '' : JSON.stringify(reply.json);
  response.writeHead(reply.status, {
    vary: 'origin',
    'cache-control': 'no-store',
    ...(reply.status === 413 && { connection: 'close' }),
    ...(body !== '' && { 'content-type': 'application/json' }),
    ...(origin !== undefined &&
      origins.includes(origin) && {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'POST, OPTIONS',
        'access-control-allow-headers': 'authorization, content-type, x-namespace',
        'access-control-allow-credentials': 'true',
        'access-control-max-age': '600',
      }),
  });
  response.end(body);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: Error) => {
      const taken = 'code' in cause && cause.code === 'EADDRINUSE';
      reject(
        taken
          ? new PlaybookError(
              'PORT_IN_USE',
              `Port ${port} on ${host} is taken; choose another one for the codec server.`,
              { cause },
            )
          : cause,
      );
    });
    server.listen(port, host, resolve);
  });
}
