import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { parseManifest, schemaHashes, sha256 } from '../../src/proof/manifest.ts';
import type { Manifest } from '../../src/proof/manifest.ts';
import { harText, listProofs, readProof, removeDrafts, writeProof } from '../../src/proof/store.ts';
import type { Proof } from '../../src/proof/store.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import { entry, harOf } from './support.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'playbook-proofs-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function proofOf(name: string, changes: Partial<Manifest> = {}): Proof {
  const har = harOf([
    entry('token', 'POST', 'https://auth/token', {
      headers: [{ name: 'authorization', value: '[redacted]' }],
      postData: { mimeType: 'application/x-www-form-urlencoded', text: 'grant_type=client_credentials' },
    }),
    entry('upload', 'PUT', 'https://api/v3/files/1', { bodySize: 12 }, { streamed: true }, { ms: 5 }),
    entry(
      'submit',
      'POST',
      'https://api/v3/jobs',
      {},
      { failure: { code: 'SERVICE_TIMEOUT', arrival: 'maybe' } },
      { ms: 10 },
    ),
    entry(
      'webhook',
      'POST',
      'https://hooks/webhooks/docproc/[redacted]',
      {
        postData: { mimeType: 'application/json', text: JSON.stringify({ long: 'x'.repeat(300), list: [1, 2, 3, 4] }) },
      },
      { eventId: 'msg_1' },
      { ms: 20 },
    ),
  ]);
  const failed = har.log.entries[2];
  if (failed !== undefined) (failed.response as { status: number }).status = 0;
  return {
    name,
    har,
    manifest: {
      format: 1,
      service: 'docproc',
      contractVersion: '3.4.2',
      playbookVersion: '0',
      nodeVersion: '20',
      environment: 'staging',
      recordedAt: '2026-11-25T12:00:00.000Z',
      retention: { days: 30, until: '2026-12-25T12:00:00.000Z' },
      job: { key: 'k', unit: 'u', input: {} },
      outcome: { state: 'FAILED', externalId: null, errorCode: 'REMOTE_FAILED', costMicros: 10_000, result: null },
      schemas: schemaHashes(docproc),
      config: { service: { base_url: 'https://api/base' } },
      har: { sha256: sha256(harText(har)), requests: 3, webhooks: 1 },
      ...changes,
    },
  };
}

describe('the store of proofs', () => {
  it('writes a proof whole or not at all, and never over another', async () => {
    const folder = join(root, 'whole');
    const proof = proofOf('a');
    await writeProof(folder, proof);
    expect(await readProof(folder, 'a')).toEqual(proof);
    await expect(writeProof(folder, proof)).rejects.toThrow(/^There is a proof a already/);
    expect(await readdir(folder)).toEqual(['a']);
    // A manifest that cannot be written as JSON stands for a full disk: nothing of it stays.
    const broken = { ...proof, name: 'b', manifest: { ...proof.manifest, extra: 1n } } as unknown as Proof;
    await expect(writeProof(folder, broken)).rejects.toThrow(/BigInt/);
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('refuses traffic that was changed, and a manifest that is none', async () => {
    const folder = join(root, 'changed');
    await writeProof(folder, proofOf('a'));
    const path = join(folder, 'a', 'traffic.har');
    await writeFile(path, (await readFile(path, 'utf8')).replace('grant_type', 'grant_kind'));
    await expect(readProof(folder, 'a')).rejects.toThrow(
      /^The traffic of proof a is not what its manifest was written for/,
    );
    await rm(path);
    await expect(readProof(folder, 'a')).rejects.toThrow(/traffic\.har cannot be read \(ENOENT\)/);
    expect(() => parseManifest('{"format":2}', 'm')).toThrow(/^m is no manifest of a proof: format: /);
    expect(() => parseManifest('{', 'm')).toThrow(/^m is no manifest of a proof: the file: /);
  });

  it('clears away what a killed write left, and nothing younger than an hour', async () => {
    const folder = join(root, 'drafts');
    const old = join(folder, '.draft-old');
    await Promise.all([mkdir(old, { recursive: true }), mkdir(join(folder, '.draft-new'), { recursive: true })]);
    await utimes(old, new Date(0), new Date(0));
    await removeDrafts(folder, Date.now());
    expect(await readdir(folder)).toEqual(['.draft-new']);
    expect(await listProofs(folder)).toEqual([]);
    await removeDrafts(join(root, 'nowhere'), Date.now());
    expect(await listProofs(join(root, 'nowhere'))).toEqual([]);
  });
});

describe('playbook proof', () => {
  let dir: string;
  beforeAll(async () => {
    dir = join(root, 'cli');
    await writeProof(dir, proofOf('20261125-120000-staging'));
    await writeProof(
      dir,
      proofOf('20261124-120000-staging', { retention: { days: 1, until: '2020-01-01T00:00:00.000Z' } }),
    );
    await writeProof(dir, proofOf('20261123-120000-staging', { retention: null }));
  });

  it('shows the latest, or the one that is named', async () => {
    const { code, out } = await playbook(['proof', 'show', 'docproc', '--dir', dir]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^proof +20261125-120000-staging\njob +docproc\/k, unit u\noutcome +FAILED \(REMOTE_FAILED\)\n/,
    );
    expect(out).toMatch(/\n3 {2}\+0\.0 s {2}submit +POST \/v3\/jobs +SERVICE_TIMEOUT {2}1 ms\n/);
    const named = await playbook(['proof', 'show', 'docproc', '20261123-120000-staging', '--dir', dir, '--bodies']);
    expect(named.out).toContain('until somebody removes it');
    expect(named.out).toMatch(
      /1\. POST \/token\n {2}authorization: \[redacted\]\n {2}grant_type=client_credentials\n {2}→ 200\n/,
    );
    expect(named.out).toContain('[12 bytes]');
    const json = await playbook(['proof', 'show', 'docproc', '--dir', dir, '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ name: '20261125-120000-staging', har: { log: { version: '1.2' } } });
  });

  it('prints commands, with variables where something is not in the recording', async () => {
    const { out } = await playbook(['proof', 'curl', 'docproc', '--dir', dir]);
    expect(out).toContain('BASE=https://api\nFILE=…\n');
    expect(out).toContain(
      'TOKEN=$(curl -s -X POST "https://auth/token" -u "$CLIENT_ID:$CLIENT_SECRET" -d "grant_type=client_credentials" | node -p',
    );
    expect(out).toContain('curl -s -X PUT "$BASE/v3/files/1" --data-binary @$FILE');
    expect(out).toMatch(/## webhook, answered 200\n\n```json\n\{\n {2}"long": "x{200}…"/);
    expect(out).not.toContain('/v3/jobs'); // it had no answer
  });

  it('says which proofs there are, or how to make one', async () => {
    const unknown = await playbook(['proof', 'show', 'docproc', '20261125-120000-stagin', '--dir', dir]);
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain('Did you mean 20261125-120000-staging? There are: 20261123-120000-staging, ');
    const none = await playbook(['proof', 'replay', 'docproc', '--dir', join(root, 'nowhere')]);
    expect(none.err).toMatch(
      /FILE_NOT_FOUND: There is no proof of docproc in .* Record one: `playbook proof record docproc`\./,
    );
    const service = await playbook(['proof', 'show', 'docprok', '--dir', dir]);
    expect(service.err).toContain('UNKNOWN_SERVICE');
  });

  it('removes what is kept no longer, and only that', async () => {
    const dry = await playbook(['proof', 'prune', 'docproc', '--dir', dir, '--dry-run']);
    expect(dry.out).toBe('would remove docproc: 20261124-120000-staging\ndocproc: 2 proofs kept.\n');
    expect(await listProofs(dir)).toHaveLength(3);
    const { code, out } = await playbook(['proof', 'prune', 'docproc', '--dir', dir, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      service: 'docproc',
      removed: ['20261124-120000-staging'],
      kept: ['20261123-120000-staging', '20261125-120000-staging'],
      dryRun: false,
    });
    const again = await playbook(['proof', 'prune', 'docproc', '--dir', dir]);
    expect(again.out).toBe('docproc: 2 proofs kept.\n');
    const all = await playbook(['proof', 'prune', '--dry-run']);
    expect(all.out).toMatch(/^docproc: \d+ proofs? kept\.$/m);
    expect((await playbook(['proof', 'prune', '--dir', dir])).err).toContain('Say which service --dir is for.');
  });

  it.each([
    [['--retention', '1h'], '--retention must be whole days such as 90d, or none (got "1h").'],
    [['a.pdf', '--input', 'b.json'], 'Give a file or --input, not both.'],
    [['gone.pdf'], 'FILE_NOT_FOUND'],
    [['--input', 'gone.json'], 'FILE_NOT_FOUND'],
  ])('refuses to record with %j', async (argv, message) => {
    const { code, err } = await playbook(['proof', 'record', 'docproc', ...argv], { cwd: root });
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('sends no job to a real service unless told so, and keeps nothing of one for ever', async () => {
    const config = join(root, 'real.yaml');
    await writeFile(
      config,
      'environment: staging\nservice: { base_url: "https://api.example.com", version: v3, rate_limit: { qps_cap: 1 } }\nauth: { type: none }\n',
    );
    const argv = ['proof', 'record', 'docproc', '--config', config];
    const refused = await playbook(argv, { cwd: root });
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toContain(
      'This would send a real job to staging at api.example.com (declared price $0.01). Say --live if that is meant.',
    );
    const forEver = await playbook([...argv, '--live', '--retention', 'none'], { cwd: root });
    expect(forEver.err).toContain('is not kept for ever: give --retention, such as 90d.');
  });
});
