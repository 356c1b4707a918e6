import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCli } from '../../src/cli/run-cli.ts';
import { createVerifier } from '../../src/webhooks/index.ts';
import { defaultWebhookSecret } from '../../src/sandbox/index.ts';
import { playbook, testIo } from './helpers/test-io.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbook-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('playbook sandbox', () => {
  it('serves by flags and file until interrupted', async () => {
    await writeFile(join(folder, 'sandbox.yaml'), 'limit: { rate: 3, form: fixed }\nhost: 127.0.0.1\n');
    const io = testIo({ cwd: folder });
    const argv = [
      'sandbox',
      '--port',
      '0',
      '--rate',
      '7',
      '--seed',
      '5',
      '--state',
      'state',
      '--config',
      'sandbox.yaml',
    ];
    const running = runCli(argv, io);
    await io.sees('/_sandbox/requests');
    const url = /at (http:\S+);/.exec(io.err())?.[1] ?? '';
    const faults = await fetch(`${url}/_sandbox/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(await faults.json()).toMatchObject({ limit: { rate: 7, form: 'fixed' } });

    const port = new URL(url).port;
    const second = await playbook(['sandbox', '--port', port]);
    expect(second.code).toBe(1);
    expect(second.err).toContain('PORT_IN_USE: The sandbox cannot listen');

    io.ctrlC();
    expect(await running).toBe(0);
  });

  it.each([
    ['limit: { rate: -1 }', /CONFIG_INVALID: Sandbox options are wrong: limit\.rate/],
    ['- a list', /CONFIG_INVALID: .* must hold the sandbox's options by name/],
    ['a: [', /CONFIG_INVALID: The sandbox's options cannot be read/],
  ])('refuses a file with %s', async (content, message) => {
    const path = join(folder, 'wrong.yaml');
    await writeFile(path, content);
    const { code, err } = await playbook(['sandbox', '--port', '0', '--config', path]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});

describe('playbook webhooks sign', () => {
  const env = { DOCPROC_WEBHOOK_SECRET: defaultWebhookSecret };
  const scheme = { kind: 'standard-webhooks' } as const;

  it('signs standard input so that the receiver believes it', async () => {
    const body = '{"type":"job.completed"}';
    const { code, out } = await playbook(['webhooks', 'sign', 'docproc', '-', '--json'], { env, stdin: body });
    expect(code).toBe(0);
    const headers = JSON.parse(out) as Record<string, string>;
    const verify = createVerifier(scheme, [defaultWebhookSecret]);
    const verified = verify({
      rawHeaders: Object.entries(headers).flat(),
      body: Buffer.from(body),
      nowMs: Date.now(),
      toleranceMs: 5000,
    });
    expect(verified).toMatchObject({ ok: true, eventId: expect.stringMatching(/^evt_/) });
  });

  it('signs a file with the secret referred to, and prints headers for people', async () => {
    const path = join(folder, 'body.json');
    await writeFile(path, '{}');
    const argv = ['webhooks', 'sign', 'docproc', path, '--secret', 'env:MINE', '--id', 'evt_7'];
    const { out } = await playbook(argv, { env: { MINE: defaultWebhookSecret } });
    expect(out).toMatch(/^webhook-id: evt_7\nwebhook-timestamp: \d+\nwebhook-signature: v1,\S+\n$/);
  });

  it('says which secret is missing', async () => {
    const { code, err } = await playbook(['webhooks', 'sign', 'docproc', '-'], { env: {} });
    expect(code).toBe(2);
    expect(err).toContain('SECRET_UNAVAILABLE: The secret env:DOCPROC_WEBHOOK_SECRET is not available');
  });
});
