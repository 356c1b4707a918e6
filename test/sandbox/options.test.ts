import { describe, expect, it } from '@jest/globals';
import { startSandbox } from '../../src/sandbox/index.ts';
import type { SandboxOptions } from '../../src/sandbox/index.ts';
import { start } from './support/api.ts';

describe('startSandbox', () => {
  it('takes any free port, says where, and lets it go', async () => {
    const messages: string[] = [];
    const logger = { info: (_fields: object, text: string) => void messages.push(text), warn: () => undefined };
    const sandbox = await startSandbox({ logger });
    expect(sandbox.url).toBe(`http://127.0.0.1:${sandbox.port}`);
    expect(messages).toEqual(['sandbox is listening']);
    await sandbox.close();
    const again = await startSandbox({ port: sandbox.port, host: 'localhost' });
    expect(again.port).toBe(sandbox.port);
    await again.close();
  });

  it('listens on IPv6 with a URL that works', async () => {
    const sandbox = await startSandbox({ host: '::1' });
    expect(sandbox.url).toBe(`http://[::1]:${sandbox.port}`);
    expect((await fetch(`${sandbox.url}/_sandbox/stats`)).status).toBe(200);
    await sandbox.close();
  });

  it('says clearly that a port is taken', async () => {
    const { sandbox } = await start();
    await expect(startSandbox({ port: sandbox.port })).rejects.toMatchObject({
      name: 'SandboxError',
      code: 'ADDRESS_UNAVAILABLE',
      message: `The sandbox cannot listen on 127.0.0.1:${sandbox.port} (EADDRINUSE). Stop what uses the port, or choose another.`,
    });
  });

  it.each<[string, unknown, string]>([
    ['a port out of range', { port: 70_000 }, 'port'],
    ['an unknown option', { prot: 1 }, 'prot'],
    ['a scope with a space', { clients: [{ id: 'a', secret: 'b', scopes: ['a b'] }] }, 'clients.0.scopes.0'],
    ['a short webhook secret', { webhook: { secret: 'whsec_short' } }, 'webhook.secret'],
    ['times that are not a range', { processing: { minMs: 2, maxMs: 1 } }, 'processing.maxMs: must not be below minMs'],
    ['a burst below the rate', { limit: { rate: 5, burst: 4 } }, 'limit.burst: must not be below rate'],
    ['a burst of concurrency', { limit: { form: 'concurrency', burst: 20 } }, 'limit.burst: has no meaning'],
  ])('refuses %s, naming it', async (_name, options, text) => {
    await expect(startSandbox(options as SandboxOptions)).rejects.toMatchObject({
      name: 'SandboxError',
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(text),
    });
  });

  it('names every problem at once', async () => {
    await expect(startSandbox({ port: -1, seed: 0.5 })).rejects.toThrow(/port: .*; seed: /);
  });
});
