import { readFileSync } from 'node:fs';
import { getEventListeners, getMaxListeners, once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { PlaybookError } from '../../src/contracts/errors.ts';
import { exchange } from '../../src/http/exchange.ts';
import { TransportError } from '../../src/http/transport-error.ts';
import type { Transport } from '../../src/http/transport.ts';
import type { TransportRequest } from '../../src/http/wire.ts';
import { bodyOf, createStage, never } from './helpers.ts';
import { until } from '../helpers/until.ts';

const stage = createStage();
afterEach(stage.clear);

const to = (url: URL, more: Partial<TransportRequest> = {}): TransportRequest => ({
  method: 'GET',
  url,
  headers: {},
  ...more,
});

async function problemOf(sending: Promise<unknown>): Promise<Pick<TransportError, 'problem' | 'arrival' | 'message'>> {
  const error: unknown = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TransportError)) throw new Error('expected TransportError', { cause: error });
  const { problem, arrival, message } = error;
  return { problem, arrival, message };
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; tookMs: number }> {
  const startMs = performance.now();
  return { value: await work, tookMs: performance.now() - startMs };
}

const head = (length: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`;

async function* slowly() {
  for (const part of ['a', 'b', 'c', 'd', 'e']) {
    await sleep(60);
    yield part;
  }
}

const endless = () =>
  stage.http((_, response) => {
    const pour = () => {
      while (response.write('x'.repeat(16_384)));
    };
    response.on('drain', pour);
    pour();
  });

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');

const counting = async () => {
  const seen: string[] = [];
  const server = await stage.http(async (request, response) => {
    seen.push(await bodyOf(request).catch(() => '(cut off)'));
    response.end('ok');
  });
  return { server, seen };
};

const secure = () =>
  stage.listen(
    createTlsServer({ key: fixture('tls-key.pem'), cert: fixture('tls-cert.pem') }, (_, response) =>
      response.end('ok'),
    ),
    'https',
  );

describe('connections', () => {
  it('are kept alive and used again', async () => {
    const server = await stage.http((_, response) => response.end('ok'));
    const transport = stage.transport();
    for (let i = 0; i < 3; i += 1) expect((await transport.send(to(server.url), never)).status).toBe(200);
    expect(server.connections()).toBe(1);
  });

  it('are used again after a failed answer, too', async () => {
    const server = await stage.http((_, response) => response.writeHead(500).end('x'.repeat(5000)));
    const transport = stage.transport();
    for (let i = 0; i < 3; i += 1) expect((await transport.send(to(server.url), never)).bytes).toHaveLength(5000);
    expect(server.connections()).toBe(1);
  });

  it('refused: the request never arrived', async () => {
    const server = await stage.tcp(() => {});
    await stage.clear();
    expect(await problemOf(stage.transport().send(to(server.url), never))).toEqual({
      problem: 'connect',
      arrival: 'never',
      message: 'No connection to the service (ECONNREFUSED).',
    });
  });

  it('to a name that does not exist: the request never arrived', async () => {
    const sending = stage.transport().send(to(new URL('http://service.invalid/')), never);
    expect(await problemOf(sending)).toMatchObject({ problem: 'connect', arrival: 'never' });
  });

  it('that do not come about in time are given up exactly then', async () => {
    // A TLS handshake the server never answers: connected at the TCP level, not for us.
    const server = await stage.tcp(() => {});
    const silent = new URL(`https://127.0.0.1:${server.url.port}`);
    const transport = stage.transport({ connectTimeoutMs: 150 });
    const { value, tookMs } = await timed(problemOf(transport.send(to(silent), never)));
    expect(value).toEqual({
      problem: 'connect-timeout',
      arrival: 'never',
      message: 'No connection to the service within 150 ms.',
    });
    expect(tookMs).toBeGreaterThanOrEqual(130);
    expect(tookMs).toBeLessThan(900);
  });
});

describe('broken exchanges', () => {
  it.each([
    ['reset before a byte of the answer', (socket) => socket.resetAndDestroy()],
    ['closed before a byte of the answer', (socket) => socket.end()],
    ['cut off within the head', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le')],
    ['cut off within the body', (socket) => socket.end(`${head(100)}half`)],
    ['reset within the body', (socket) => socket.write(`${head(100)}half`, () => socket.resetAndDestroy())],
  ] satisfies [string, (socket: Socket) => void][])('%s: the request may have arrived', async (_, act) => {
    const server = await stage.tcp((socket) => socket.once('data', () => act(socket)));
    const found = await problemOf(stage.transport().send(to(server.url, { method: 'POST' }), never));
    expect(found).toMatchObject({ problem: 'reset', arrival: 'maybe' });
    expect(found.message).toMatch(
      /^The connection broke before the answer was complete \((?:UND_ERR_SOCKET|ECONNRESET)\)\.$/,
    );
  });

  it('on a stale kept-alive connection count as "may have arrived"', async () => {
    let requests = 0;
    const server = await stage.tcp((socket) =>
      socket.on('data', () => {
        requests += 1;
        if (requests === 1) socket.write(`${head(2)}ok`);
        else socket.resetAndDestroy();
      }),
    );
    const transport = stage.transport();
    await transport.send(to(server.url), never);
    expect(await problemOf(transport.send(to(server.url, { method: 'POST' }), never))).toMatchObject({
      arrival: 'maybe',
    });
    expect(requests).toBe(2);
  });

  it('an answer that is not HTTP may have followed a request that arrived', async () => {
    const server = await stage.tcp((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
    expect(await problemOf(stage.transport().send(to(server.url), never))).toMatchObject({
      problem: 'protocol',
      arrival: 'maybe',
    });
  });
});

describe('deadlines', () => {
  it('end a wait for the head at the read timeout, exactly', async () => {
    const server = await stage.tcp((socket) => socket.resume());
    const transport = stage.transport({ readTimeoutMs: 150 });
    const { value, tookMs } = await timed(problemOf(transport.send(to(server.url), never)));
    expect(value).toEqual({
      problem: 'read-timeout',
      arrival: 'maybe',
      message: 'The service was silent for 150 ms.',
    });
    expect(tookMs).toBeGreaterThanOrEqual(130);
    expect(tookMs).toBeLessThan(900);
  });

  it('end a body that stops at the read timeout', async () => {
    const server = await stage.tcp((socket) => socket.once('data', () => socket.write(`${head(100)}half`)));
    const sending = stage.transport({ readTimeoutMs: 150 }).send(to(server.url), never);
    expect(await problemOf(sending)).toMatchObject({ problem: 'read-timeout', arrival: 'maybe' });
  });

  it('end a body that drips for ever at the total timeout', async () => {
    const server = await stage.tcp((socket) => {
      socket.once('data', () => socket.write(head(1_000_000)));
      const drip = setInterval(() => socket.write('.'), 20);
      socket.once('close', () => clearInterval(drip));
    });
    const transport = stage.transport({ readTimeoutMs: 350, totalTimeoutMs: 600 });
    const { value, tookMs } = await timed(problemOf(transport.send(to(server.url), never)));
    expect(value).toMatchObject({ problem: 'total-timeout', arrival: 'maybe' });
    expect(tookMs).toBeGreaterThanOrEqual(550);
    expect(tookMs).toBeLessThan(2000);
  });

  it('do not end an upload that makes progress, nor count it as silence', async () => {
    const server = await stage.http(async (request, response) => response.end(await bodyOf(request)));
    const body = { stream: Readable.from(slowly()), bytes: 5 };
    const transport = stage.transport({ readTimeoutMs: 250 });
    const answer = await transport.send(to(server.url, { method: 'PUT', body }), never);
    expect(Buffer.from(answer.bytes).toString()).toBe('abcde');
  });

  it('while still waiting for a connection: the request never arrived, and does not leave later', async () => {
    let requests = 0;
    const server = await stage.http((_, response) => {
      requests += 1;
      setTimeout(() => response.end('ok'), 300);
    });
    const transport = stage.transport({ connections: 1, totalTimeoutMs: 1000 });
    const first = transport.send(to(server.url), never);
    const second = transport.send(to(server.url), AbortSignal.timeout(100));
    expect(await problemOf(second)).toEqual({
      problem: 'aborted',
      arrival: 'never',
      message: 'The request was cancelled.',
    });
    expect((await first).status).toBe(200);
    expect((await transport.send(to(server.url), never)).status).toBe(200);
    expect(requests).toBe(2);
    expect(server.connections()).toBe(1);
  });
});

describe('cancellation', () => {
  it('aborts a request under way and closes its connection', async () => {
    const sockets: Socket[] = [];
    const reason = new Error('activity cancelled');
    const cancel = new AbortController();
    const server = await stage.tcp((socket) => {
      sockets.push(socket);
      socket.once('data', () => cancel.abort(reason)).resume();
    });
    const sending = stage.transport().send(to(server.url), cancel.signal);
    await expect(sending).rejects.toMatchObject({ problem: 'aborted', arrival: 'maybe', cause: reason });
    await once(sockets[0] as Socket, 'close');
  });

  it('by one signal may govern any number of requests, which leave nothing behind on it', async () => {
    const server = await stage.http((_, response) => response.end('ok'));
    const transport = stage.transport();
    const { signal } = new AbortController();
    const sending = Array.from({ length: 20 }, () => transport.send(to(server.url), signal));
    expect(getEventListeners(signal, 'abort')).toHaveLength(20);
    // Node warns of a leak from the eleventh listener on, unless told otherwise.
    expect(getMaxListeners(signal)).toBe(Infinity);
    await Promise.all(sending);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('before the start sends nothing', async () => {
    const server = await stage.tcp(() => {});
    const sending = stage.transport().send(to(server.url), AbortSignal.abort());
    expect(await problemOf(sending)).toMatchObject({ problem: 'aborted', arrival: 'never' });
    expect(server.connections()).toBe(0);
  });
});

describe('the byte cap', () => {
  it('ends an endless body', async () => {
    const server = await endless();
    expect(await problemOf(stage.transport().send(to(server.url, { maxResponseBytes: 100_000 }), never))).toEqual({
      problem: 'too-large',
      arrival: 'maybe',
      message: 'The answer exceeds 100000 bytes.',
    });
  });

  it('is 1 MiB where nothing else is said', async () => {
    const server = await endless();
    const found = await problemOf(stage.transport().send(to(server.url), never));
    expect(found.message).toBe('The answer exceeds 1048576 bytes.');
  });

  it('refuses an announced length before reading it', async () => {
    const server = await stage.tcp((socket) => socket.once('data', () => socket.write(head(2_000_000_000))));
    expect(await problemOf(stage.transport().send(to(server.url), never))).toMatchObject({ problem: 'too-large' });
  });

  it('lets a body of just that size pass', async () => {
    const server = await stage.http((_, response) => response.end('x'.repeat(1000)));
    const answer = await stage.transport().send(to(server.url, { maxResponseBytes: 1000 }), never);
    expect(answer.bytes).toHaveLength(1000);
  });

  it('believes the bytes where the announced length is too small', async () => {
    const server = await stage.tcp((socket) => socket.once('data', () => socket.write(`${head(2)}ok and more`)));
    const answer = await stage.transport().send(to(server.url), never);
    expect(Buffer.from(answer.bytes).toString()).toBe('ok');
  });

  it.each([
    ['endless', (socket: Socket) => void setInterval(() => socket.write('x'.repeat(50_000)), 5).unref()],
    ['dripping', (socket: Socket) => void setInterval(() => socket.write('x'), 20).unref()],
    ['silent', () => {}],
    ['truncated', (socket: Socket) => void socket.end('half')],
  ])('and deadlines do not hide the status of a failed answer whose body is %s', async (_, act) => {
    const server = await stage.tcp((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 429 Slow Down\r\ncontent-length: 99000000\r\nretry-after: 7\r\n\r\n');
        act(socket);
      }),
    );
    const transport = stage.transport({ readTimeoutMs: 100, totalTimeoutMs: 300 });
    const answer = await transport.send(to(server.url), never);
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
    expect(answer.bytes.length).toBeLessThanOrEqual(64 * 1024 + 50_000);
  });
});

describe('redirects', () => {
  it('are answers, not instructions', async () => {
    const elsewhere = await stage.http((_, response) => response.end('secret'));
    const server = await stage.http((_, response) => response.writeHead(307, { location: elsewhere.url.href }).end());
    expect((await stage.transport().send(to(server.url), never)).status).toBe(307);
    expect(elsewhere.connections()).toBe(0);
  });
});

describe('TLS', () => {
  it('refuses a certificate nobody vouches for', async () => {
    const server = await secure();
    expect(await problemOf(stage.transport().send(to(server.url), never))).toEqual({
      problem: 'tls',
      arrival: 'never',
      message: 'The TLS connection to the service failed (DEPTH_ZERO_SELF_SIGNED_CERT).',
    });
  });

  it('accepts it when its authority is named', async () => {
    const server = await secure();
    const transport = stage.transport({ ca: fixture('tls-cert.pem') });
    expect((await transport.send(to(server.url), never)).status).toBe(200);
  });

  it('does not start where Node was told to accept any certificate', () => {
    expect(() => stage.transport({ env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } })).toThrow(
      new PlaybookError(
        'CONFIG_INVALID',
        'NODE_TLS_REJECT_UNAUTHORIZED=0 would accept any certificate. Unset it; to trust a private authority, name it in NODE_EXTRA_CA_CERTS.',
      ),
    );
  });
});

describe('beforeWrite', () => {
  const shut = new Error('the gate is shut');

  it('that throws withholds the request, keeps the connection and comes out unchanged', async () => {
    const { server, seen } = await counting();
    const transport = stage.transport();
    const withheld = to(server.url, {
      method: 'POST',
      body: Buffer.from('withheld'),
      beforeWrite: () => {
        throw shut;
      },
    });
    await expect(transport.send(withheld, never)).rejects.toBe(shut);
    await transport.send(to(server.url, { method: 'POST', body: Buffer.from('sent') }), never);
    expect(seen).toEqual(['sent']);
    expect(server.connections()).toBe(1);
  });

  it('is called after any wait for a connection, not before', async () => {
    const { server } = await counting();
    const transport: Transport = stage.transport({ connections: 1 });
    const order: string[] = [];
    const send = (name: string) =>
      transport
        .send(to(server.url, { beforeWrite: () => void order.push(`${name} written`) }), never)
        .then(() => order.push(`${name} answered`));
    await Promise.all([send('first'), send('second')]);
    expect(order).toEqual(['first written', 'first answered', 'second written', 'second answered']);
  });

  it('stops an upload at the next chunk', async () => {
    const { server, seen } = await counting();
    let calls = 0;
    const stream = Readable.from(['one', 'two', 'three']);
    const sending = stage.transport().send(
      to(server.url, {
        method: 'PUT',
        body: { stream, bytes: 11 },
        beforeWrite: () => {
          calls += 1;
          if (calls === 3) throw shut;
        },
      }),
      never,
    );
    await expect(sending).rejects.toBe(shut);
    await until('the server has noticed', () => seen.length > 0);
    expect(seen).toEqual(['(cut off)']);
    expect(stream.destroyed).toBe(true);
  });
});

describe('what the caller did wrong', () => {
  it('a broken upload stream comes out unchanged', async () => {
    const server = await stage.http(
      (request, response) =>
        void bodyOf(request).then(
          () => response.end(),
          () => {},
        ),
    );
    const broken = new PlaybookError('FILE_CHANGED', 'scan.pdf changed');
    const stream = Readable.from(
      (async function* () {
        yield 'begin';
        await sleep(10);
        throw broken;
      })(),
    );
    const sending = stage.transport().send(to(server.url, { method: 'PUT', body: { stream, bytes: 100 } }), never);
    await expect(sending).rejects.toBe(broken);
  });

  it('an unfit header is named without its value', async () => {
    const server = await stage.tcp(() => {});
    const sending = stage.transport().send(to(server.url, { headers: { 'x-id': 'se\ncret' } }), never);
    await expect(sending).rejects.toEqual(
      new PlaybookError('INTERNAL', 'An integration built an unsendable request: invalid x-id header.'),
    );
  });
});

it('a request is never written twice, even if the dispatcher tried', async () => {
  const begun: string[] = [];
  const eager = {
    dispatch: (_: unknown, handler: Dispatcher.DispatchHandler) => {
      const controller = { abort: () => {} } as unknown as Dispatcher.DispatchController;
      handler.onRequestStart?.(controller, {});
      begun.push('once');
      try {
        handler.onRequestStart?.(controller, {});
        begun.push('twice');
      } catch (error) {
        handler.onResponseError?.(controller, error as Error);
      }
      return true;
    },
  } as unknown as Dispatcher;
  const limits = { readTimeoutMs: 1000, totalTimeoutMs: 1000, maxResponseBytes: 1000, nowMs: Date.now };
  const sending = exchange(eager, to(new URL('http://service.invalid')), never, limits);
  expect(await problemOf(sending)).toMatchObject({ arrival: 'maybe' });
  expect(begun).toEqual(['once']);
});
