import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { until } from './until.ts';

let echo: Server;
let heard: string;
let proxy: TcpProxy;
let client: Socket;
let answered: string;
let ended: boolean;

beforeEach(async () => {
  heard = '';
  answered = '';
  ended = false;
  echo = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      socket.write(chunk);
    });
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startTcpProxy(`127.0.0.1:${(echo.address() as AddressInfo).port}`);
  client = await reach();
});
afterEach(async () => {
  if (!client.destroyed) {
    client.destroy();
    await once(client, 'close');
  }
  await proxy.close();
  echo.close();
});

async function reach(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('data', (chunk) => (answered += chunk.toString()));
  socket.on('error', () => undefined);
  socket.on('close', () => (ended = true));
  await once(socket, 'connect');
  return socket;
}

describe('a way between two processes', () => {
  it('carries both ways, and says when it last did', async () => {
    const before = Date.now();
    client.write('a');
    await until('the echo came', () => answered === 'a');
    expect(proxy.lastSentMs()).toBeGreaterThanOrEqual(before);
  });

  it('carries nothing while blocked, and then all of it', async () => {
    client.write('a');
    await until('the echo came', () => answered === 'a');
    proxy.block();
    client.write('b');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([heard, answered, ended]).toEqual(['a', 'a', false]);
    proxy.unblock();
    await until('the rest came', () => answered === 'ab');
  });

  it('withholds only the answers while mute', async () => {
    client.write('a');
    await until('the echo came', () => answered === 'a');
    proxy.set('mute');
    client.write('b');
    await until('the target has it', () => heard === 'ab');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toBe('a');
  });

  it('resets what is open and what comes while refusing', async () => {
    proxy.set('refusing');
    await until('the open connection was reset', () => ended);
    ended = false;
    const next = await reach().catch(() => undefined);
    await until('the new one was reset', () => ended);
    next?.destroy();
    proxy.set('open');
    client = await reach();
    client.write('c');
    await until('it carries again', () => answered !== '');
    expect(answered).toBe('c');
  });

  it('keeps the order of what is slow', async () => {
    proxy.set('slow', 80);
    const sentMs = performance.now();
    client.write('1');
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.write('2');
    proxy.set('open');
    client.write('3');
    await until('all came', () => answered.length === 3);
    expect(answered).toBe('123');
    expect(performance.now() - sentMs).toBeGreaterThan(50);
  });
});
