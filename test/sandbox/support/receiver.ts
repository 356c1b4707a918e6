import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from '@jest/globals';
import { defaultWebhookSecret } from '../../../src/sandbox/index.ts';
import type { Json } from './api.ts';

/** A webhook as it arrived. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly json: Json;
  readonly path: string;
  readonly atMs: number;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
}

interface Answering {
  readonly status: number;
  readonly headers?: Record<string, string>;
}

const open = new Set<() => void>();
afterEach(() => {
  for (const close of open) close();
  open.clear();
});

/** Receives webhooks on a port of its own; `answer` decides what the n-th gets (counted from 0), null for no answer. */
export async function startReceiver(
  answer: (index: number) => Answering | null = () => ({ status: 204 }),
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const decided = answer(received.length);
      received.push({
        headers: request.headers,
        body,
        json: JSON.parse(body) as Json,
        path: request.url ?? '',
        atMs: Date.now(),
      });
      if (decided !== null) response.writeHead(decided.status, decided.headers).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  open.add(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

/** Checks a Standard Webhooks signature, written out independently of the sandbox's own signer. */
export function isGenuine({ headers, body }: Received): boolean {
  const key = Buffer.from(defaultWebhookSecret.replace('whsec_', ''), 'base64');
  const id = String(headers['webhook-id']);
  const timestamp = String(headers['webhook-timestamp']);
  const expected = createHmac('sha256', key)
    .update(Buffer.from(`${id}.${timestamp}.${body}`))
    .digest('base64');
  return headers['webhook-signature'] === `v1,${expected}`;
}
