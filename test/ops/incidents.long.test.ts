import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeControl, connectToTemporal } from '../../src/client/index.ts';
import type { JobLine } from '../../src/cli/output/job-line.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { defaultClient, defaultWebhookSecret, startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { testHome, type TestHome } from '../cli/helpers/home.ts';
import { temporalPath } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { apply, expectStep } from './runbook.ts';

const NEW_WEBHOOK_SECRET = `whsec_${Buffer.from('another-signing-key-of-the-sandbox').toString('base64')}`;
const NEW_CLIENT_SECRET = 'issued anew';
const CONFIG = ['--config', 'docproc=docproc.yaml'];

let home: TestHome;
let env: Record<string, string>;
let ports: { readonly temporal: number; readonly sandbox: number; readonly receiver: number; readonly health: number };
let server: ChildProcess;
let sandbox: Sandbox;
let worker: Running;
let receiver: Running;

type Running = ReturnType<TestHome['start']>;

/** Temporal as it is deployed: what it has stored outlives it. */
async function startTemporal(): Promise<ChildProcess> {
  const args = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--log-level', 'never'];
  const kept = ['--port', String(ports.temporal), '--db-filename', join(home.path, 'temporal.db')];
  const started = spawn(temporalPath(), [...args, ...kept], { stdio: 'ignore' });
  await until('Temporal answers', async () => {
    const connected = await connectToTemporal({ address: env['TEMPORAL_ADDRESS'] ?? '', timeoutMs: 1_000 }).catch(
      () => undefined,
    );
    await connected?.close();
    return connected !== undefined;
  });
  return started;
}

async function startService(options: Parameters<typeof startSandbox>[0] = {}): Promise<Sandbox> {
  const quick = { delaysMs: [200, 400, 800, 1_600, 3_200, 3_200, 3_200] };
  return startSandbox({ port: ports.sandbox, webhookRetry: quick, ...options });
}

async function startWorker(config = CONFIG): Promise<Running> {
  const started = home.start(['worker', '--port', String(ports.health), ...config], { env });
  await started.io.sees('Worker is polling');
  return started;
}

async function startReceiver(): Promise<Running> {
  const started = home.start(['webhooks', '--port', String(ports.receiver), ...CONFIG], { env });
  await started.io.sees('Receiver is listening');
  return started;
}

async function stop({ io, ended }: Running): Promise<void> {
  io.ctrlC();
  await ended;
}

/** Polls come late, so that it shows whether a webhook ended a job. */
async function writeConfig(webhookSecrets: readonly string[], service = ''): Promise<void> {
  const url = `http://127.0.0.1:${ports.sandbox}`;
  await writeFile(
    join(home.path, 'docproc.yaml'),
    `environment: sandbox
service: { base_url: '${url}', version: v3, rate_limit: { qps_cap: 20 }${service} }
auth:
  type: oauth_client_credentials
  token_url: ${url}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: ${defaultClient.id}
  client_secret: file:${join(home.path, 'client-secret')}
webhook:
  public_url: http://127.0.0.1:${ports.receiver}
  secrets: [${webhookSecrets.map((name) => `'env:${name}'`).join(', ')}]
polling: { grace_ms: 20000 }
`,
  );
}

/** `playbook run` with these more arguments. */
async function run(key: string, ...more: string[]): Promise<JobLine> {
  const { out } = await home.run(['run', 'docproc', 'note.txt', '--key', key, '--json', ...more, ...CONFIG], { env });
  return JSON.parse(out) as JobLine;
}

const BY_WEBHOOK = { state: 'COMPLETED', webhooks: 1, polls: 1 };
const options = () => ({ env: { ...home.env, ...env }, cwd: home.path });

beforeAll(async () => {
  home = await testHome();
  ports = {
    temporal: await freePort(),
    sandbox: await freePort(),
    receiver: await freePort(),
    health: await freePort(),
  };
  env = {
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    DOCPROC_WEBHOOK_SECRET: defaultWebhookSecret,
    NEW_WEBHOOK_SECRET,
    DOCPROC_CALLBACK_SECRET: 'a callback secret of these tests',
  };
  await writeFile(join(home.path, 'note.txt'), 'Grüße');
  await writeFile(join(home.path, 'client-secret'), defaultClient.secret);
  await writeConfig(['DOCPROC_WEBHOOK_SECRET']);
  server = await startTemporal();
  await home.run(['setup', '--retention', '7d'], { env });
  sandbox = await startService();
  [worker, receiver] = await Promise.all([startWorker(), startReceiver()]);
  const { client, close } = await connectToTemporal({ address: env['TEMPORAL_ADDRESS'] ?? '' });
  await changeControl(client, 'docproc', 'enable', { actor: 'test', reason: 'the test needs it' });
  await close();
});

afterAll(async () => {
  await Promise.all([stop(worker), stop(receiver)]);
  await sandbox.close();
  const closed = once(server, 'close');
  server.kill('SIGKILL');
  await closed;
  await home.remove();
});

describe('an entry of the RUNBOOK about what is deployed, its failure brought about and its fix applied as written', () => {
  it('rotating the webhook secret: each webhook is taken, before, between and after', async () => {
    const entry = 'Rotating the webhook secret';
    expect(await run('signed-with-the-old')).toMatchObject(BY_WEBHOOK);

    await expectStep(
      entry,
      'List the new secret under `webhook.secrets` beside the old one and restart the receivers.',
    );
    await writeConfig(['NEW_WEBHOOK_SECRET', 'DOCPROC_WEBHOOK_SECRET']);
    await stop(receiver);
    receiver = await startReceiver();
    expect(await run('both-are-taken')).toMatchObject(BY_WEBHOOK);

    await expectStep(entry, 'Have docproc sign with the new one.');
    await sandbox.close();
    sandbox = await startService({ webhook: { secret: NEW_WEBHOOK_SECRET } });
    expect(await run('signed-with-the-new')).toMatchObject(BY_WEBHOOK);

    await expectStep(entry, 'take it out and restart the receivers.');
    await writeConfig(['NEW_WEBHOOK_SECRET']);
    await stop(receiver);
    receiver = await startReceiver();
    expect(await run('only-the-new-is-taken')).toMatchObject(BY_WEBHOOK);
  });

  it('rotating the credentials: a job in between fails and is retried; no worker is restarted for a file', async () => {
    const entry = 'Rotating the credentials';
    await sandbox.close();
    sandbox = await startService({
      webhook: { secret: NEW_WEBHOOK_SECRET },
      clients: [{ ...defaultClient, secret: NEW_CLIENT_SECRET }],
    });
    expect(await run('between')).toMatchObject({ state: 'FAILED', error: { code: 'AUTH_FAILED' } });
    await expectStep(entry, 'put them where `auth` refers to');
    await writeFile(join(home.path, 'client-secret'), NEW_CLIENT_SECRET);
    await sleep(1_100); // a refusal is remembered for a second
    await until('it is listed', async () => (await apply(entry, 'jobs list', options())).includes('between'));
    await apply(entry, 'jobs retry', options(), { key: 'between' });
    expect(await run('between')).toMatchObject({ state: 'COMPLETED', error: null });
  });

  it('Temporal down: callers and senders are told, nothing is lost, and nothing else is restarted', async () => {
    const entry = 'Temporal down';
    sandbox.faults({ rules: [{ kind: 'webhook-delay', ms: 4_000 }] });
    expect(await run('under-way', '--max-wait', '1500ms')).toMatchObject({ state: 'PENDING' });
    const closed = once(server, 'close');
    server.kill('SIGKILL');
    await closed;
    sandbox.clearFaults();

    const refused = await home.run(['jobs', 'start', 'docproc', 'note.txt', '--key', 'refused', '--json'], { env });
    expect(JSON.parse(refused.out)).toMatchObject({ error: { code: 'TEMPORAL_UNREACHABLE' } });
    const ready = async () => (await fetch(`http://127.0.0.1:${ports.health}/readyz`)).status;
    await until('the worker is not ready', async () => (await ready()) === 503, 30_000);

    await expectStep(entry, 'Bring Temporal back. Nothing of Playbook has to be restarted.');
    server = await startTemporal();
    await until('the worker is ready', async () => (await ready()) === 200, 60_000);
    await until(
      'the gate has a holder',
      async () => /breaker/.test(await apply(entry, 'status docproc', options())),
      60_000,
    );
    const [underWay, repeated] = await Promise.all([run('under-way'), run('refused')]);
    expect([underWay.state, repeated.state]).toEqual(['COMPLETED', 'COMPLETED']);
    expect(sandbox.requests({ accepted: true }).filter(({ path }) => path === '/v3/jobs')).toHaveLength(3);
  }, 180_000);

  it('a bad deploy: jobs wait, and the previous version ends them', async () => {
    const entry = 'Bad deploy';
    await stop(worker);
    await writeConfig(['NEW_WEBHOOK_SECRET'], ', retry: { max_attempts: 0 }');
    const bad = await home.run(['worker', ...CONFIG], { env });
    expect(bad.code).toBe(2);
    expect(bad.err).toContain('service.retry.max_attempts');
    await writeConfig(['NEW_WEBHOOK_SECRET']);
    expect(await run('meanwhile', '--max-wait', '1s')).toMatchObject({ state: 'PENDING' });

    await expectStep(entry, 'start the previous version');
    worker = await startWorker();
    await until('the gate has a holder', async () => /breaker/.test(await apply(entry, 'status docproc', options())));
    expect(await run('meanwhile')).toMatchObject({ state: 'COMPLETED' });
  });
});
