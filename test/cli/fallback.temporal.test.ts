import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { documentFromFile } from '../../integrations/docproc/src/document.ts';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { createPlaybookClient } from '../../src/client/index.ts';
import type { JobAnswer, PlaybookClient } from '../../src/client/index.ts';
import { NO_METRICS } from '../../src/contracts/metric-recorder.ts';
import { createClosing } from '../../src/cli/compose/closing.ts';
import { startReceiverPart } from '../../src/cli/compose/receiver-part.ts';
import { fromFile } from '../../src/cli/compose/service-configs.ts';
import { startWorker } from '../../src/cli/compose/worker-part.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { bucketOf } from '../../src/rules/bucketing.ts';
import { defaultClient, startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { terminateAll } from '../helpers/job-worker.ts';
import { connectToServer, testNamespace, unique, workflowBundlePath } from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { playbook, testIo } from './helpers/test-io.ts';

const SECRETS = {
  live: 'whsec_bGl2ZSBzZWNyZXQgb2YgdGhlc2UgdGVzdHMgISE=',
  fallback: 'whsec_ZmFsbGJhY2sgc2VjcmV0IG9mIHRlc3RzICEhISE=',
};

let server: TestServer;
let folder: string;
let live: Sandbox;
let fallback: Sandbox;
let jobs: PlaybookClient;
let env: Record<string, string>;
let control: Record<string, string>;
const closing = createClosing();

const yaml = (environment: string, url: string, receiver: string, more = ''): string => `environment: ${environment}
service:
  base_url: ${url}
  version: v3
  rate_limit: { qps_cap: 100 }
  retry: { max_attempts: 3, backoff_ms: '50,100' }
auth:
  type: oauth_client_credentials
  token_url: ${url}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: ${defaultClient.id}
  client_secret: env:${environment.toUpperCase()}_CLIENT_SECRET
webhook:
  public_url: ${receiver}
  secrets: ['env:${environment.toUpperCase()}_WEBHOOK_SECRET']
  token_secret: env:${environment.toUpperCase()}_CALLBACK_SECRET
# Only a webhook ends a job soon.
polling: { grace_ms: 60000 }
${more}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbook-fallback-'));
  closing.add(() => rm(folder, { recursive: true, force: true }));
  const namespace = testNamespace();
  server = await connectToServer(undefined, namespace);
  closing.add(() => server.close());
  const processing = { minMs: 10, maxMs: 20 };
  live = await startSandbox({ limit: { rate: 1000 }, processing, webhook: { secret: SECRETS.live } });
  fallback = await startSandbox({ limit: { rate: 1000 }, processing, webhook: { secret: SECRETS.fallback } });
  closing.add(() => Promise.all([live.close(), fallback.close()]));
  env = {
    LIVE_CLIENT_SECRET: defaultClient.secret,
    LIVE_WEBHOOK_SECRET: SECRETS.live,
    LIVE_CALLBACK_SECRET: 'callback secret of the live environment',
    OTHER_CLIENT_SECRET: defaultClient.secret,
    OTHER_WEBHOOK_SECRET: SECRETS.fallback,
    OTHER_CALLBACK_SECRET: 'callback secret of the fallback environment',
  };
  const receiverUrl = `http://127.0.0.1:${await freePort()}`;
  await writeFile(join(folder, 'live.yaml'), yaml('live', live.url, receiverUrl, 'fallback: ./other.yaml'));
  await writeFile(join(folder, 'other.yaml'), yaml('other', fallback.url, receiverUrl));
  await writeFile(join(folder, 'note.txt'), 'a note');
  const services = [
    await fromFile(
      'docproc',
      join(folder, 'live.yaml'),
      () => env,
      () => undefined,
    ),
  ];
  const logger = pino({ level: 'silent' });
  const receiver = await startReceiverPart({
    client: server.client,
    logger,
    services,
    port: Number(new URL(receiverUrl).port),
  });
  closing.add(() => receiver.close());
  const address = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
  control = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, TEMPORAL_CONFIG_FILE: join(folder, 'none') };
  await startWorker({
    io: testIo({ workflowBundlePath: workflowBundlePath() }),
    logger,
    metrics: NO_METRICS,
    connection: server.nativeConnection,
    namespace,
    services,
    closing,
    shutdownGraceMs: 2_000,
  });
  closing.add(() => terminateAll(server.client));
  jobs = createPlaybookClient(server.client);
  await operate('disable', 'docproc');
});

afterAll(() => closing.close());

/** What an operator types. Workers have noticed once it resolves. */
async function operate(...command: string[]): Promise<void> {
  const { code, err } = await playbook([...command, '--reason', 'a test'], { env: control });
  expect({ code, err: err.replace(/Waiting.*\n/, '') }).toEqual({ code: 0, err: '' });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
}

async function start(unit: string) {
  const document = await documentFromFile(join(folder, 'note.txt'));
  return jobs.start(docproc, docproc.input.parse({ document, options: { format: 'text' } }), {
    key: unique('job'),
    unit,
  });
}

const run = async (unit: string): Promise<JobAnswer<unknown>> => (await start(unit)).result({ maxWaitMs: 30_000 });
/** How many jobs each sandbox has been given so far. */
const given = () => ({
  live: live.requests({ accepted: true }).length,
  fallback: fallback.requests({ accepted: true }).length,
});
const since = (before: ReturnType<typeof given>) => ({
  live: given().live - before.live,
  fallback: given().fallback - before.fallback,
});

describe('with a fallback', () => {
  beforeEach(async () => {
    await operate('disable', 'docproc');
    await operate('weight', 'docproc', '100%');
  });

  it('a job of a disabled service completes there, by its webhook, and says so; the service never hears of it', async () => {
    const seen = live.requests().length;
    const before = given();
    const job = await start('tenant-1');
    await expect(job.result({ maxWaitMs: 30_000 })).resolves.toMatchObject({
      state: 'COMPLETED',
      route: 'fallback',
      webhooks: 1,
    });
    expect(since(before)).toEqual({ live: 0, fallback: 1 });
    expect(live.requests()).toHaveLength(seen);

    const status = await playbook(['jobs', 'status', job.workflowId], { env: control });
    expect(status.out).toMatch(/^route +fallback$/m);
    const json = await playbook(['jobs', 'status', job.workflowId, '--json'], { env: control });
    expect(JSON.parse(json.out)).toMatchObject({ state: 'COMPLETED', route: 'fallback' });
    const list = () => playbook(['jobs', 'list', '--service', 'docproc'], { env: control });
    await until('its route is listed', async () => (await list()).out.includes('fallback'));
    expect((await list()).out).toMatch(/ROUTE/);
    const gates = await playbook(['status', 'docproc', '--json'], { env: control });
    expect(JSON.parse(gates.out)).toMatchObject({
      gates: [
        { gate: 'docproc', killed: null },
        { gate: 'docproc.fallback', killed: null },
      ],
    });
  });

  it('an enabled service gets its jobs itself', async () => {
    await operate('enable', 'docproc');
    const before = given();
    await expect(run('tenant-1')).resolves.toMatchObject({ state: 'COMPLETED', route: 'live', webhooks: 1 });
    expect(since(before)).toEqual({ live: 1, fallback: 0 });
  });

  it('a denied unit goes to the fallback while the service is enabled, an allowed one to the service while it is disabled', async () => {
    await operate('enable', 'docproc');
    await operate('deny', 'docproc', 'unwanted');
    await expect(run('unwanted')).resolves.toMatchObject({ state: 'COMPLETED', route: 'fallback' });
    await operate('deny', 'docproc', 'unwanted', '--remove');
    await expect(run('unwanted')).resolves.toMatchObject({ state: 'COMPLETED', route: 'live' });

    await operate('allow', 'docproc', 'pilot');
    await operate('disable', 'docproc');
    await expect(run('pilot')).resolves.toMatchObject({ state: 'COMPLETED', route: 'live' });
    await operate('allow', 'docproc', 'pilot', '--remove');
    await expect(run('pilot')).resolves.toMatchObject({ state: 'COMPLETED', route: 'fallback' });
  });

  it('a weight divides units by their buckets', async () => {
    await operate('enable', 'docproc');
    await operate('weight', 'docproc', '30%');
    const units = Array.from({ length: 12 }, (_, n) => `tenant-${n}`);
    const expected = units.map((unit) => (bucketOf('r1', 'docproc', unit) < 3_000 ? 'live' : 'fallback'));
    expect(new Set(expected).size).toBe(2);
    const answers = await Promise.all(units.map(run));
    expect(answers.map((answer) => (answer.state === 'PENDING' ? null : answer.route))).toEqual(expected);
  });

  it('jobs admitted but not sent when the service is disabled in between are admitted again: none reaches it', async () => {
    await operate('enable', 'docproc');
    await operate('kill', 'docproc');
    const before = given();
    const waiting = await Promise.all([start('tenant-1'), start('tenant-2'), start('tenant-3')]);
    await until('the jobs are admitted', async () => {
      const routes = await Promise.all(waiting.map(async (job) => (await job.detail()).route));
      return routes.every((route) => route === 'live');
    });
    await operate('disable', 'docproc');
    await operate('restore', 'docproc');
    for (const job of waiting) {
      await expect(job.result({ maxWaitMs: 30_000 })).resolves.toMatchObject({ state: 'COMPLETED', route: 'fallback' });
    }
    expect(since(before)).toEqual({ live: 0, fallback: 3 });
  });

  it('the fallback’s gate is killed by its own name, and the service’s stays open', async () => {
    await operate('kill', 'docproc.fallback');
    const waiting = await start('tenant-1');
    await operate('enable', 'docproc');
    await operate('restore', 'docproc.fallback');
    // It was admitted to the fallback, and is admitted anew: the service is enabled now.
    await expect(waiting.result({ maxWaitMs: 30_000 })).resolves.toMatchObject({ state: 'COMPLETED', route: 'live' });
  });
});

const load = (path: string) =>
  fromFile(
    'docproc',
    path,
    () => env,
    () => undefined,
  );
const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

describe('a configuration with a fallback', () => {
  it('is refused where both are the same service, share a secret, or the fallback has one itself', async () => {
    const same = await write('same.yaml', yaml('live', fallback.url, 'http://127.0.0.1:1', 'fallback: other.yaml'));
    await expect(load(same)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('has the same service.base_url'),
    });
    const chain = await write(
      'chain.yaml',
      yaml('live', 'http://127.0.0.1:2', 'http://127.0.0.1:1', 'fallback: live.yaml'),
    );
    await expect(load(chain)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'The fallback (live.yaml) has a fallback itself; there is only one step.',
    });
    const shared = await write(
      'shared.yaml',
      yaml('live', 'http://127.0.0.1:2', 'http://127.0.0.1:1', 'fallback: other.yaml').replace(
        'env:LIVE_CLIENT_SECRET',
        'env:OTHER_CLIENT_SECRET',
      ),
    );
    await expect(load(shared)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('other auth.client_secret uses env:OTHER_CLIENT_SECRET'),
    });
  });

  it('says at the start which secrets of the fallback are missing, and when its file is', async () => {
    const { OTHER_CLIENT_SECRET: _removed, ...rest } = env;
    await expect(
      fromFile(
        'docproc',
        join(folder, 'live.yaml'),
        () => rest,
        () => undefined,
      ),
    ).rejects.toMatchObject({
      code: 'SECRET_UNAVAILABLE',
    });
    const nowhere = await write(
      'nowhere.yaml',
      yaml('live', 'http://127.0.0.1:2', 'http://127.0.0.1:1', 'fallback: gone.yaml'),
    );
    await expect(load(nowhere)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('gone.yaml cannot be read'),
    });
  });
});
