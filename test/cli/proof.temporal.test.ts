import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../src/embedded/ports.ts';
import { sha256 } from '../../src/proof/manifest.ts';
import type { Manifest } from '../../src/proof/manifest.ts';
import { listProofs } from '../../src/proof/store.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { startTokenProxy } from '../faults/support/token-proxy.ts';
import { testHome } from './helpers/home.ts';
import type { TestHome } from './helpers/home.ts';

const canary = (name: string): string => `canary-${name}-${randomBytes(12).toString('hex')}`;

/** What must not be in a recording, wherever it comes from. */
const SECRETS = {
  client: canary('client'),
  webhook: `whsec_${Buffer.from(canary('webhook')).toString('base64').slice(0, 48)}`,
  callback: canary('callback'),
  person: canary('person'),
  undeclared: canary('undeclared'),
};
const ENV = {
  DOCPROC_CLIENT_ID: 'docproc-sandbox',
  DOCPROC_CLIENT_SECRET: SECRETS.client,
  DOCPROC_WEBHOOK_SECRET: SECRETS.webhook,
  DOCPROC_CALLBACK_SECRET: SECRETS.callback,
};

let home: TestHome;
let sandbox: Sandbox;
let proxy: Awaited<ReturnType<typeof startTokenProxy>>;
let dir: string;
beforeAll(async () => {
  home = await testHome();
  dir = join(home.path, 'proofs');
  sandbox = await startSandbox({
    clients: [{ id: ENV.DOCPROC_CLIENT_ID, secret: SECRETS.client, scopes: ['jobs.write', 'jobs.read'] }],
    webhook: { secret: SECRETS.webhook },
    limit: { rate: 1000 },
    processing: { minMs: 100, maxMs: 200 },
    // What docproc never said it would send.
    faults: { rules: [{ kind: 'drift', path: '/v3/jobs/*', add: { customer: { name: SECRETS.undeclared } } }] },
  });
  proxy = await startTokenProxy(() => `${sandbox.url}/oauth/token`);
  const port = await freePort();
  await writeFile(join(home.path, 'letter.txt'), `Dear ${SECRETS.person}, this is a letter.\n`);
  await writeFile(
    join(home.path, 'config.yaml'),
    `environment: sandbox
service: { base_url: '${sandbox.url}', version: v3, rate_limit: { qps_cap: 100 } }
auth:
  type: oauth_client_credentials
  token_url: ${proxy.url}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: env:DOCPROC_CLIENT_ID
  client_secret: env:DOCPROC_CLIENT_SECRET
webhook:
  public_url: http://127.0.0.1:${port}
  secrets: ['env:DOCPROC_WEBHOOK_SECRET']
  token_secret: env:DOCPROC_CALLBACK_SECRET
polling: { grace_ms: 20000 }
`,
  );
});
afterAll(async () => {
  await Promise.all([sandbox.close(), proxy.close()]);
  await home.remove();
});

/** A secret as it may be written. */
function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replaceAll('=', '').slice(0, -2);
  return [secret, encodeURIComponent(secret), base64, base64.replaceAll('+', '-').replaceAll('/', '_')];
}

async function everyFile(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  return (await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')))).join('\n');
}

describe('playbook proof', () => {
  it('records a job without one secret or classified value, and in one step', async () => {
    const argv = [
      'proof',
      'record',
      'docproc',
      'letter.txt',
      '--config',
      'config.yaml',
      '--dir',
      dir,
      '--key',
      'letter',
    ];
    const { code, out, err } = await home.run(argv, { env: ENV });
    expect([code, err]).toEqual([0, expect.stringContaining('Starting what the job needs')]);
    expect(out).toMatch(/^COMPLETED: 4 requests and 1 webhook of docproc\/letter are in .*\nKept 90 days, until /);
    expect(await readdir(dir)).toHaveLength(1);

    const written = await everyFile(dir);
    expect(proxy.tokens).toHaveLength(1);
    for (const secret of [...Object.values(SECRETS), ...proxy.tokens]) {
      for (const form of formsOf(secret))
        expect([written.includes(form), (out + err).includes(form)]).toEqual([false, false]);
    }
    expect(written).not.toMatch(/webhooks\/docproc\/\w{8}/);
    expect(written).not.toContain(home.path);
    expect(written).toContain('[redacted: pii]');
    expect(written).toContain('[redacted: not in the schema]');
  });

  it('replays it, and says what differs once it is another recording', async () => {
    const same = await home.run(['proof', 'replay', 'docproc', '--dir', dir]);
    expect(same).toMatchObject({ code: 0, err: '' });
    expect(same.out).toMatch(/^\S+-sandbox replays: 3 requests, no difference, in \d+\.\d s\.\n$/);

    const [name = ''] = await listProofs(dir);
    const [traffic, about] = [join(dir, name, 'traffic.har'), join(dir, name, 'manifest.json')];
    const har = (await readFile(traffic, 'utf8')).replace(
      String.raw`\"reference\":\"letter~1\"`,
      String.raw`\"ref\":\"letter~1\"`,
    );
    await writeFile(traffic, har);
    const manifest = JSON.parse(await readFile(about, 'utf8')) as Manifest;
    const changed = {
      ...manifest,
      har: { ...manifest.har, sha256: sha256(har) },
      schemas: { 'gone.json': sha256('') },
    };
    await writeFile(about, JSON.stringify(changed));
    const other = await home.run(['proof', 'replay', 'docproc', name, '--dir', dir]);
    expect(other.code).toBe(1);
    expect(other.out).toContain(
      `${name} does not replay: 2 differences.\n  request 2 (POST /v3/jobs): body.ref is missing\n  request 2 (POST /v3/jobs): body.reference is new\n`,
    );
    expect(other.out).toContain('  note: schema gone.json is gone since\n');
  });

  it('records nothing of a job that does not end in time', async () => {
    const argv = ['proof', 'record', 'docproc', 'letter.txt', '--config', 'config.yaml', '--dir', dir];
    const { code, out } = await home.run([...argv, '--max-wait', '0s', '--json'], { env: ENV });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'DEADLINE_EXCEEDED' } });
    expect(await listProofs(dir)).toHaveLength(1);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const { io, ended } = home.start(['proof', 'record', 'docproc', 'letter.txt', '--dir', dir]);
    await io.sees('Starting what the job needs');
    io.ctrlC();
    expect(await ended).toBe(1);
    expect(io.err()).toContain('Interrupted: nothing is written.\n');
    expect(await readdir(dir)).toHaveLength(1);
  });
});
