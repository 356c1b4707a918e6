import { Pool } from 'undici';
import { PlaybookError } from '../contracts/errors.ts';
import type { Clock } from './clock.ts';
import { createConnector } from './connector.ts';
import { exchange } from './exchange.ts';
import { TransportError } from './transport-error.ts';
import type { TransportRequest, TransportResponse } from './wire.ts';

/** What one transport allows each of its requests. */
export interface TransportOptions {
  readonly connectTimeoutMs: number;
  /** Longest silence, in milliseconds: until the answer's head, between two chunks of it, or while an upload stands still. */
  readonly readTimeoutMs: number;
  /** From `send` to the last byte, in milliseconds. The only thing that ends an answer which drips. */
  readonly totalTimeoutMs: number;
  /** Largest answer accepted where the request does not say, in bytes. @default 1 MiB */
  readonly maxResponseBytes?: number;
  /** Most connections per origin. @default unlimited: the gate limits what is under way */
  readonly connections?: number;
  /** Certificates (PEM) to trust instead of Node's own list. Verification itself cannot be turned off. */
  readonly ca?: string | readonly string[];
  readonly clock: Clock;
  /** Looked at once, for `NODE_TLS_REJECT_UNAUTHORIZED`. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Sends requests, one pool of kept-alive connections per origin, no redirects, no retries. */
export interface Transport {
  /** @throws TransportError when no complete answer came, or what `beforeWrite` or the body's stream threw. */
  readonly send: (request: TransportRequest, signal: AbortSignal) => Promise<TransportResponse>;
  /** Waits for what is under way, then closes all connections. */
  readonly close: () => Promise<void>;
}

const DEFAULT_MAX_RESPONSE_BYTES = 1024 * 1024;

/**
 * Makes a transport.
 * @throws PlaybookError CONFIG_INVALID when the process asks Node to accept any certificate.
 */
export function createTransport(options: TransportOptions): Transport {
  if ((options.env ?? process.env)['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    throw new PlaybookError(
      'CONFIG_INVALID',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 would accept any certificate. Unset it; to trust a private authority, name it in NODE_EXTRA_CA_CERTS.',
    );
  }
  const pools = new Map<string, Pool>();
  const connect = createConnector(options);
  let closed: Promise<unknown> | undefined;
  const poolFor = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      // Our own timers are exact; undici's would only add a coarse second opinion.
      pool = new Pool(origin, {
        connect,
        connections: options.connections ?? null,
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      pools.set(origin, pool);
    }
    return pool;
  };

  return {
    send: async (request, signal) => {
      if (closed !== undefined) throw new TransportError('connect', 'never', 'This transport has been closed.');
      const limits = {
        readTimeoutMs: options.readTimeoutMs,
        totalTimeoutMs: options.totalTimeoutMs,
        maxResponseBytes: request.maxResponseBytes ?? options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
        nowMs: options.clock.nowMs,
      };
      return exchange(poolFor(request.url.origin), request, signal, limits);
    },
    close: async () => {
      closed ??= Promise.all([...pools.values()].map((pool) => pool.close()));
      await closed;
    },
  };
}
