import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { Webhook } from 'standardwebhooks';
import { createSecrets } from '../../src/definition/index.ts';
import { systemClock } from '../../src/http/clock.ts';
import { createTransport } from '../../src/http/transport.ts';
import { createNotifier } from '../../src/workers/notifier.ts';

const SECRET = `whsec_${Buffer.from('a secret of the notifications').toString('base64')}`;
const EVENT = {
  id: 'rollout_a-1_3',
  type: 'rollout.aborted',
  timestamp: '2026-11-25T12:00:00.000Z',
  data: { stage: 'x' },
};

describe('a notification', () => {
  const received: { readonly path: string; readonly headers: Record<string, string>; readonly body: string }[] = [];
  let answer = 204;
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      received.push({ path: request.url ?? '', headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(answer).end();
    });
  });
  const transport = createTransport({
    connectTimeoutMs: 1_000,
    readTimeoutMs: 2_000,
    totalTimeoutMs: 5_000,
    clock: systemClock,
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await transport.close();
    await new Promise((resolve) => server.close(resolve));
  });
  afterEach(() => {
    received.length = 0;
    answer = 204;
  });
  const notifier = (env: Record<string, string>) =>
    createNotifier(
      { url: `${base}/hooks/playbook`, secret: 'env:NOTIFY' },
      {
        secrets: createSecrets({ env }),
        transport,
        clock: systemClock,
        logger: pino({ level: 'silent' }),
        userAgent: 'playbook/test',
      },
    );
  const never = new AbortController().signal;

  it('is signed as Standard Webhooks over the bytes that arrive, by the specification’s own library', async () => {
    await notifier({ NOTIFY: SECRET })(EVENT, never);
    expect(received).toHaveLength(1);
    const { path, headers, body } = received[0] ?? { path: '', headers: {}, body: '' };
    expect(path).toBe('/hooks/playbook');
    expect(headers['webhook-id']).toBe('rollout_a-1_3');
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({
      type: 'rollout.aborted',
      timestamp: '2026-11-25T12:00:00.000Z',
      data: { stage: 'x' },
    });
    const other = `whsec_${Buffer.from('another secret than that one').toString('base64')}`;
    expect(() => new Webhook(other).verify(body, headers)).toThrow('No matching signature found');
  });

  it('keeps its id when it is sent again, so that a receiver can tell', async () => {
    const notify = notifier({ NOTIFY: SECRET });
    await notify(EVENT, never);
    await notify(EVENT, never);
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(['rollout_a-1_3', 'rollout_a-1_3']);
  });

  it('fails when the receiver does not take it, and without its secret sends nothing', async () => {
    answer = 503;
    await expect(notifier({ NOTIFY: SECRET })(EVENT, never)).rejects.toMatchObject({ failure: { status: 503 } });
    received.length = 0;
    await expect(notifier({})(EVENT, never)).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    expect(received).toEqual([]);
  });
});
