import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaultClient } from '../../src/sandbox/index.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { makeCertificates, SERVER_NAME, type Certificates } from '../helpers/certificates.ts';
import { startSecuredTemporal, type SecuredTemporal } from '../helpers/secured-temporal.ts';
import { sharedAddress, testNamespace } from '../helpers/temporal.ts';
import { testHome, type TestHome } from './helpers/home.ts';

let folder: string;
let home: TestHome;
let certificates: Certificates;
let mutual: SecuredTemporal;
let keyed: SecuredTemporal;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbook-tls-'));
  home = await testHome();
  certificates = await makeCertificates(folder);
  mutual = await startSecuredTemporal(sharedAddress(), certificates, { mutual: true });
  keyed = await startSecuredTemporal(sharedAddress(), certificates, { apiKey: 'a key of these tests' });
});

afterAll(async () => {
  await Promise.all([mutual.close(), keyed.close()]);
  await home.remove();
  await rm(folder, { recursive: true, force: true });
});

const secured = ({ address }: SecuredTemporal): Record<string, string> => ({
  TEMPORAL_ADDRESS: address,
  TEMPORAL_NAMESPACE: testNamespace(),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificates.ca,
  TEMPORAL_TLS_SERVER_NAME: SERVER_NAME,
});
const withCertificate = (): Record<string, string> => ({
  ...secured(mutual),
  TEMPORAL_TLS_CLIENT_CERT_PATH: certificates.client.cert,
  TEMPORAL_TLS_CLIENT_KEY_PATH: certificates.client.key,
});
const withKey = (key: string): Record<string, string> => ({ ...secured(keyed), TEMPORAL_API_KEY: key });

/** A job through a worker, a client and operators' commands that all connect that way. */
async function checkAJob(connection: Record<string, string>, key: string): Promise<void> {
  const port = await freePort();
  const env = { ...connection, DOCPROC_CLIENT_ID: defaultClient.id, DOCPROC_CLIENT_SECRET: defaultClient.secret };
  await writeFile(
    join(home.path, 'docproc.yaml'),
    `environment: sandbox
service: { base_url: 'http://127.0.0.1:${port}', version: v3, rate_limit: { qps_cap: 8 } }
auth:
  type: oauth_client_credentials
  token_url: http://127.0.0.1:${port}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: ${defaultClient.id}
polling: { grace_ms: 0, initial_ms: 100, factor: 1, max_ms: 200 }
`,
  );
  await writeFile(join(home.path, 'note.txt'), 'Grüße');
  const config = ['--config', 'docproc=docproc.yaml'];
  expect(await home.run(['setup', '--retention', '7d'], { env })).toMatchObject({ code: 0 });
  const sandbox = home.start(['sandbox', '--port', String(port)], { env });
  await sandbox.io.sees('The sandbox is at');
  const worker = home.start(['worker', '--port', '0', ...config], { env });
  await worker.io.sees('Worker is polling');
  const enabled = await home.run(['enable', 'docproc', '--reason', 'the test needs it'], { env });
  expect(enabled).toMatchObject({ code: 0 });

  const done = await home.run(['run', 'docproc', 'note.txt', '--key', key, '--json', ...config], { env });
  expect(JSON.parse(done.out)).toMatchObject({ state: 'COMPLETED', result: { text: 'Grüße' } });

  for (const { io } of [worker, sandbox]) io.ctrlC();
  expect(await Promise.all([worker.ended, sandbox.ended])).toEqual([0, 0]);
}

describe('a Temporal server that asks who is calling', () => {
  it('by certificates: worker, client and commands do a job', () => checkAJob(withCertificate(), 'mutual-tls'), 60_000);

  it(
    'by an API key: worker, client and commands do a job',
    () => checkAJob(withKey('a key of these tests'), 'api-key'),
    60_000,
  );

  it.each([
    ['without a certificate', () => secured(mutual)],
    ['with another API key', () => withKey('another key')],
  ])('%s a command says in one sentence that it gets no answer', async (_, connection) => {
    const { code, err } = await home.run(['jobs', 'list'], { env: connection() });
    expect(code).toBe(1);
    expect(err).toMatch(/^TEMPORAL_UNREACHABLE: [^\n]+\n$/);
    expect(err).not.toContain('another key');
  });
});
