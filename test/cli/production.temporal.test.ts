import { mkdir, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeControl, connectToTemporal } from '../../src/client/index.ts';
import type { JobLine } from '../../src/cli/output/job-line.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { defaultClient, defaultWebhookSecret } from '../../src/sandbox/index.ts';
import { temporalPath } from '../helpers/temporal.ts';
import { testHome } from './helpers/home.ts';
import type { TestHome } from './helpers/home.ts';

/** A dev server as anyone would start it: no search attributes, a day of retention. */
let server: ChildProcess;
let home: TestHome;
let env: Record<string, string>;
let ports: { readonly sandbox: number; readonly receiver: number };

beforeAll(async () => {
  home = await testHome();
  const port = await freePort();
  const args = [
    'server',
    'start-dev',
    '--headless',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--log-level',
    'never',
  ];
  server = spawn(temporalPath(), args, { stdio: 'ignore' });
  ports = { sandbox: await freePort(), receiver: await freePort() };
  env = {
    TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
    DOCPROC_CLIENT_ID: defaultClient.id,
    DOCPROC_CLIENT_SECRET: defaultClient.secret,
    DOCPROC_WEBHOOK_SECRET: defaultWebhookSecret,
    DOCPROC_CALLBACK_SECRET: 'a callback secret of these tests',
  };
  await writeFile(
    join(home.path, 'docproc.yaml'),
    `environment: sandbox
service:
  base_url: http://127.0.0.1:${ports.sandbox}
  version: v3
  rate_limit: { qps_cap: 8 }
auth:
  type: oauth_client_credentials
  token_url: http://127.0.0.1:${ports.sandbox}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: ${defaultClient.id}
webhook:
  public_url: http://127.0.0.1:${ports.receiver}
`,
  );
  await writeFile(join(home.path, 'note.txt'), 'Grüße');
  await mkdir(home.env['PLAYBOOK_HOME'] ?? '', { recursive: true });
  for (;;) {
    const connected = await connectToTemporal({ address: `127.0.0.1:${port}`, timeoutMs: 1000 }).catch(() => undefined);
    if (connected === undefined) continue;
    await connected.close();
    return;
  }
});

afterAll(async () => {
  const closed = once(server, 'close');
  server.kill('SIGKILL');
  await closed;
  await home.remove();
});

describe('on a fresh Temporal server', () => {
  const config = ['--config', 'docproc=docproc.yaml'];

  it('worker and client say in one sentence that setup was forgotten', async () => {
    const worker = await home.run(['worker', ...config], { env });
    expect(worker.code).toBe(1);
    expect(worker.err).toMatch(
      /SETUP_MISSING: Namespace default lacks the search attributes PlaybookService, .*: run `playbook setup`\./,
    );
    const client = await home.run(['jobs', 'start', 'docproc', 'note.txt', '--json'], { env });
    expect(client.code).toBe(1);
    expect(JSON.parse(client.out)).toMatchObject({ error: { code: 'SETUP_MISSING' } });
  });

  it('setup registers, checks the retention and says how to raise it; again it does nothing', async () => {
    const first = await home.run(['setup'], { env });
    expect(first.code).toBe(1);
    expect(first.out).toContain('registered the search attributes PlaybookService');
    expect(first.err).toContain(
      'keeps closed workflows for 1 day, and Playbook needs 7 days: run `playbook setup --retention 7d`.',
    );
    const second = await home.run(['setup', '--retention', '7d'], { env });
    expect(second.code).toBe(0);
    expect(second.out).toContain('has all search attributes\n  raised the retention from 1 day to 7 days');
    const third = await home.run(['setup', '--retention', '7d', '--json'], { env });
    expect(JSON.parse(third.out)).toEqual({
      namespace: 'default',
      registered: [],
      retentionMs: 604_800_000,
      neededRetentionMs: 604_800_000,
      problems: [],
    });
  });

  it('sandbox, receiver and worker, each alone, do a job by webhook; each stops in order', async () => {
    const waiting = await home.run(['run', 'docproc', 'note.txt', '--max-wait', '0s', '--json'], { env });
    expect(waiting.code).toBe(3);
    expect(waiting.err).toContain('No worker is polling there yet');

    const sandbox = home.start(['sandbox', '--port', String(ports.sandbox)], { env });
    const behind = ['--port', String(ports.receiver), '--trusted-proxies', '1'];
    const receiver = home.start(['webhooks', ...behind, ...config], { env });
    const worker = home.start(['worker', '--port', '0', ...config], { env });
    await Promise.all([
      sandbox.io.sees('The sandbox is at'),
      receiver.io.sees('Receiver is listening'),
      worker.io.sees('Worker is polling'),
    ]);
    const health = /"port":(\d+)/.exec(worker.io.err())?.[1];
    expect((await fetch(`http://127.0.0.1:${health}/readyz`)).status).toBe(200);
    const forged = { method: 'POST', headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' }, body: '{}' };
    expect((await fetch(`http://127.0.0.1:${ports.receiver}/webhooks/docproc`, forged)).status).toBe(401);
    await receiver.io.sees('203.0.113.9');
    expect(receiver.io.err()).not.toContain('198.51.100.1');
    const { client, close } = await connectToTemporal({ address: env['TEMPORAL_ADDRESS'] ?? '', namespace: 'default' });
    await changeControl(client, 'docproc', 'enable', { actor: 'test', reason: 'the test needs it' });
    await close();

    const done = await home.run(['run', 'docproc', 'note.txt', '--key', 'prod', '--json', ...config], { env });
    expect(done.err).toContain('The worker that runs already has its own configuration');
    expect(JSON.parse(done.out) as JobLine).toMatchObject({
      state: 'COMPLETED',
      webhooks: 1,
      result: { text: 'Grüße' },
    });

    for (const { io } of [worker, receiver, sandbox]) io.ctrlC();
    expect(await Promise.all([worker.ended, receiver.ended, sandbox.ended])).toEqual([0, 0, 0]);
    expect(worker.io.err()).toContain('Worker has stopped');
  });

  it('a worker waits for a server that is away, and ends when told to', async () => {
    const away = { ...env, TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` };
    const { io, ended } = home.start(['worker', ...config], { env: away });
    await io.sees('does not answer; trying again every 2 s');
    io.ctrlC();
    expect(await ended).toBe(0);
  });

  it('a receiver listens while the server is away, says so, and asks senders to come again', async () => {
    const away = { ...env, TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` };
    const { io, ended } = home.start(['webhooks', '--port', '0', ...config], { env: away });
    await io.sees('Temporal does not answer yet');
    io.ctrlC();
    expect(await ended).toBe(0);
  });
});
