import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createByteBudget } from '../../src/webhooks/byte-budget.ts';
import { createFairSlots } from '../../src/webhooks/fair-slots.ts';
import { createQuietLog } from '../../src/webhooks/quiet-log.ts';
import { sign } from '../../src/webhooks/schemes/index.ts';
import { sourceAddress } from '../../src/webhooks/source-address.ts';
import { startReceiver } from '../../src/webhooks/start-receiver.ts';
import { createSuspects } from '../../src/webhooks/suspects.ts';
import {
  heldHandOver,
  NOW_MS,
  recordingHandOver,
  recordingLogger,
  SECRET,
  send,
  SERVICE,
  startTestReceiver,
} from './helpers/receiver.ts';
import type { TestReceiver, TestRequest } from './helpers/receiver.ts';

let receiver: TestReceiver | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await receiver?.close();
  receiver = undefined;
});

async function start(options: Parameters<typeof startTestReceiver>[0] = {}): Promise<TestReceiver> {
  receiver = await startTestReceiver(options);
  return receiver;
}

function honest(size = 0): TestRequest {
  const body = Buffer.from(
    JSON.stringify({ type: 'job.completed', data: { reference: 'a~1', pad: 'x'.repeat(size) } }),
  );
  return { headers: sign({ kind: 'standard-webhooks' }, SECRET, { id: 'evt-1', timestampMs: NOW_MS, body }), body };
}

const forged = (size = 10): TestRequest => ({ headers: { 'webhook-id': 'x' }, body: 'x'.repeat(size) });

const from = (address: string, request: TestRequest): TestRequest => ({
  ...request,
  headers: { ...request.headers, 'x-forwarded-for': address },
});

/** A connection that announces a large body, sends `bytes` of it and then keeps still. Resolves with all it was told. */
function dawdle(port: number, bytes: number, localAddress = '127.0.0.1'): { readonly told: () => string } {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(`POST /webhooks/${SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(bytes)}`);
  sockets.push(socket);
  return { told: () => text.split('\r\n')[0] ?? '' };
}

async function until(condition: () => boolean): Promise<void> {
  const endAtMs = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > endAtMs) throw new Error('the condition did not come true within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('places', () => {
  it('are given to newcomers; the oldest of a source with too many loses its own', () => {
    const cut: string[] = [];
    const slots = createFairSlots({ max: 100, maxPerSource: 2 });
    for (const name of ['a1', 'a2', 'a3']) slots.take('a', () => cut.push(name));
    slots.take('b', () => cut.push('b1'));
    expect(cut).toEqual(['a1']);
  });

  it('are taken from the source that holds most when all are in use', () => {
    const cut: string[] = [];
    const slots = createFairSlots({ max: 3, maxPerSource: 100 });
    for (const name of ['a1', 'b1', 'b2', 'c1']) slots.take(name.slice(0, 1), () => cut.push(name));
    expect(cut).toEqual(['b1']);
  });

  it('are free again once given back, be it twice', () => {
    const cut: string[] = [];
    const slots = createFairSlots({ max: 2, maxPerSource: 2 });
    const release = slots.take('a', () => cut.push('a1'));
    release();
    release();
    slots.take('a', () => cut.push('a2'));
    slots.take('a', () => cut.push('a3'));
    expect(cut).toEqual([]);
  });
});

describe('memory', () => {
  it('over the budget costs the largest body its place, not the one that came last', () => {
    const cut: string[] = [];
    const budget = createByteBudget(100);
    budget.open(() => cut.push('large')).add(60);
    const small = budget.open(() => cut.push('small'));
    small.add(30);
    small.add(20);
    expect(cut).toEqual(['large']);
  });

  it('is free again once a body is done, and a body that was cut off counts no more', () => {
    const cut: string[] = [];
    const budget = createByteBudget(100);
    const first = budget.open(() => cut.push('first'));
    first.add(101);
    first.add(50);
    const second = budget.open(() => cut.push('second'));
    second.add(90);
    second.close();
    budget.open(() => cut.push('third')).add(100);
    expect(cut).toEqual(['first']);
  });
});

describe('a source that dawdles or floods', () => {
  it('loses its oldest body when it holds too many, and an honest sender at the same address is served', async () => {
    const { port } = await start({ limits: { maxBodiesPerSource: 3 } });
    const slow = Array.from({ length: 3 }, () => dawdle(port, 10));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await send(receiver!, honest())).toMatchObject({ status: 200 });
    await until(() => slow[0]!.told() !== '');
    expect(slow.map(({ told }) => told())).toEqual(['HTTP/1.1 503 Service Unavailable', '', '']);
  });

  it('loses its largest body when all of them fill the memory, and an honest sender is served', async () => {
    const { port } = await start({ limits: { maxBufferedBytes: 300_000 } });
    const large = [140_000, 150_000].map((bytes) => dawdle(port, bytes));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await send(receiver!, honest(15_000))).toMatchObject({ status: 200 });
    await until(() => large[1]!.told() !== '');
    expect(large.map(({ told }) => told())).toEqual(['', 'HTTP/1.1 503 Service Unavailable']);
  });

  it('loses its oldest connection when there are too many', async () => {
    const { port } = await start({ limits: { maxConnections: 5 } });
    const idle = Array.from({ length: 5 }, () => connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }));
    sockets.push(...idle);
    await until(() => idle.every((socket) => !socket.connecting));
    expect(await send(receiver!, honest())).toMatchObject({ status: 200 });
    await until(() => idle.filter((socket) => socket.closed || socket.readableEnded).length === 1);
  });

  it('gets smaller bodies after many bad signatures: 429 for a large one, while an honest webhook from there is still taken', async () => {
    let nowMs = NOW_MS;
    await start({ limits: { suspectAfter: 5, suspectMaxBodyBytes: 1000 }, now: () => nowMs });
    for (let n = 0; n < 5; n += 1) expect(await send(receiver!, forged(5000))).toMatchObject({ status: 401 });

    const refused = await send(receiver!, forged(5000));
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
    expect(await send(receiver!, honest())).toMatchObject({ status: 200 });
    expect(await send(receiver!, { ...honest(5000), localAddress: '127.0.0.2' })).toMatchObject({ status: 200 });
    nowMs += 1000;
    expect(await send(receiver!, forged(5000))).toMatchObject({ status: 401 });
  });

  it('is forgotten a bad signature a second, however many there were', () => {
    let nowMs = 0;
    const suspects = createSuspects(3, () => nowMs);
    for (let n = 0; n < 1000; n += 1) suspects.accuse('a');
    nowMs = 3000;
    expect([suspects.isSuspect('a'), suspects.isSuspect('b')]).toEqual([true, false]);
    nowMs = 3001;
    expect(suspects.isSuspect('a')).toBe(false);
  });

  it('cannot fill the memory with names: the sources told apart are bounded', () => {
    const suspects = createSuspects(1, () => 0);
    suspects.accuse('first');
    for (let n = 0; n < 10_000; n += 1) suspects.accuse(`s${n}`);
    expect([suspects.isSuspect('first'), suspects.isSuspect('s9999')]).toEqual([false, true]);
  });

  it('cannot flood the log from many addresses: 60 lines a minute in all', () => {
    const logger = recordingLogger();
    let nowMs = 0;
    const warn = createQuietLog(logger, () => nowMs);
    for (let n = 0; n < 1000; n += 1) warn(`source ${n}`, {}, 'bad');
    expect(logger.lines).toHaveLength(60);
    nowMs = 60_000;
    warn('source 0', {}, 'bad');
    expect(logger.lines).toHaveLength(61);
  });
});

describe('whom a request counts against', () => {
  it.each([
    ['the peer', ['10.0.0.1', undefined, 0], '10.0.0.1'],
    ['the peer, whatever it claims, where no proxy is trusted', ['10.0.0.1', '1.1.1.1', 0], '10.0.0.1'],
    ['whom our proxy saw', ['10.0.0.1', '6.6.6.6, 1.1.1.1', 1], '1.1.1.1'],
    ['whom the outer of two proxies saw', ['10.0.0.1', '6.6.6.6, 1.1.1.1, 10.0.0.2', 2], '1.1.1.1'],
    ['the peer when there are fewer entries than proxies', ['10.0.0.1', '1.1.1.1', 2], '10.0.0.1'],
    ['the peer when the entry is no address', ['10.0.0.1', 'unknown', 1], '10.0.0.1'],
    ['the peer when the header is absent', ['10.0.0.1', undefined, 1], '10.0.0.1'],
    ['an IPv4 address written as IPv6', ['::ffff:10.0.0.1', undefined, 0], '10.0.0.1'],
    ['an IPv6 address by its /64', ['2001:db8:0:7:1:2:3:4', undefined, 0], '2001:db8:0:7::/64'],
    ['a shortened IPv6 address', ['2001:DB8::1', undefined, 0], '2001:db8:0:0::/64'],
    ['the IPv6 loopback', ['::1', undefined, 0], '0:0:0:0::/64'],
    ['nobody known', [undefined, undefined, 0], 'unknown'],
  ] as const)('%s', (_, [peer, forwardedFor, proxies], expected) => {
    expect(sourceAddress(peer, forwardedFor, proxies)).toBe(expected);
  });

  it('behind a trusted proxy a flood counts against its own source', async () => {
    await start({ trustedProxies: 1, limits: { suspectAfter: 3, suspectMaxBodyBytes: 100 } });
    for (let n = 0; n < 3; n += 1) await send(receiver!, from('6.6.6.6', forged()));
    expect(await send(receiver!, from('6.6.6.6', forged(500)))).toMatchObject({ status: 429 });
    expect(await send(receiver!, from('1.1.1.1', forged(500)))).toMatchObject({ status: 401 });
  });
});

describe('the server', () => {
  it('says which port is taken', async () => {
    const { port } = await start();
    const options = { services: new Map(), handOver: recordingHandOver().handOver, logger: recordingLogger() };
    await expect(startReceiver({ ...options, port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port} (EADDRINUSE)`),
    });
  });

  it('writes an IPv6 host into its URL as URLs want it', async () => {
    const { url, port } = await start({ host: '::1' });
    expect(url).toBe(`http://[::1]:${port}`);
  });

  it('lets a request under way finish when it closes', async () => {
    const { latch, handOver } = heldHandOver();
    await start({ handOver });
    const answer = send(receiver!, honest());
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = receiver!.close();
    latch.release();
    expect(await answer).toMatchObject({ status: 200 });
    await closed;
  });

  it('answers a refused sender that keeps sending, and then hangs up', async () => {
    const { port } = await start({ limits: { maxBodyBytes: 1000 } });
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(`POST /webhooks/${SERVICE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    let sent = 0;
    while (!socket.destroyed && sent < 1000) {
      sent += 1;
      if (!socket.write(chunk)) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(text).toContain('HTTP/1.1 413');
    await until(() => socket.destroyed);
  });
});
