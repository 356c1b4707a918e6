import { mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkSecrets, createSecrets, parseConfig } from '../../src/definition/index.ts';

let directory: string;
let server: Server | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'secrets-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

const unavailable = (message: string) => ({ name: 'PlaybookError', code: 'SECRET_UNAVAILABLE', message });

describe('references to secrets', () => {
  it('resolve environment variables as they are at the moment', async () => {
    const env: Record<string, string> = { A: 'one' };
    const { resolve } = createSecrets({ env });
    expect(await resolve('env:A')).toBe('one');
    env['A'] = 'two';
    expect(await resolve('env:A')).toBe('two');
  });

  it('tell every value to who keeps logs clean', async () => {
    const learned: string[] = [];
    const { resolve } = createSecrets({ env: { A: 'one', B: 'two' }, onResolved: (value) => learned.push(value) });
    await resolve('env:A');
    await resolve('env:B');
    expect(learned).toEqual(['one', 'two']);
  });

  it.each([
    ['env:GONE', 'The secret env:GONE is not available: the environment variable is not set.'],
    ['env:EMPTY', 'The secret env:EMPTY is not available: it is empty.'],
    ['file:/nowhere/at/all', 'The secret file:/nowhere/at/all is not available: the file cannot be read (ENOENT).'],
    [
      'hunter2',
      'A reference to a secret must be env:NAME, file:/path or vault:path#field; what was given is not shown.',
    ],
    [
      'file:relative',
      'A reference to a secret must be env:NAME, file:/path or vault:path#field; what was given is not shown.',
    ],
    ['vault:a/b#c', 'The secret vault:a/b#c is not available: VAULT_ADDR is not set to a URL.'],
  ])('%s: says what is wrong', async (ref, message) => {
    await expect(createSecrets({ env: { EMPTY: '' } }).resolve(ref)).rejects.toMatchObject(unavailable(message));
  });
});

describe('checkSecrets', () => {
  const config = parseConfig(
    `service: { base_url: https://a.example, version: v1, rate_limit: { qps_cap: 1 } }
auth: { type: basic, username: literal, password: env:PASSWORD }
webhook: { public_url: https://h.example }`,
    { service: 'doc' },
  );

  it('names every secret that is missing, at once', async () => {
    const { resolve } = createSecrets({ env: { DOC_WEBHOOK_SECRET: 'x' } });
    await expect(checkSecrets(config, { resolve })).rejects.toMatchObject(
      unavailable(
        [
          'Secrets are missing:',
          '  auth.password: The secret env:PASSWORD is not available: the environment variable is not set.',
          '  webhook.token_secret: The secret env:DOC_CALLBACK_SECRET is not available: the environment variable is not set.',
        ].join('\n'),
      ),
    );
  });

  it('is content when all are there, and hides no defect', async () => {
    await expect(checkSecrets(config, { resolve: async () => 'x' })).resolves.toBeUndefined();
    const defect = new TypeError('defect');
    await expect(checkSecrets(config, { resolve: () => Promise.reject(defect) })).rejects.toBe(defect);
  });
});

describe('secrets in files', () => {
  it('lose one trailing newline and nothing else', async () => {
    const path = join(directory, 's');
    const { resolve } = createSecrets({ env: {} });
    for (const [content, value] of [
      ['a', 'a'],
      ['a\n', 'a'],
      ['a\r\n', 'a'],
      [' a\n\n', ' a\n'],
    ] as const) {
      await writeFile(path, content);
      await utimes(path, new Date(), new Date(content.length * 1000));
      expect(await resolve(`file:${path}`)).toBe(value);
    }
  });

  it('are read again when rotated: replaced, relinked, or written in place', async () => {
    const path = join(directory, 's');
    const { resolve } = createSecrets({ env: {} });
    await writeFile(path, 'one');
    expect(await resolve(`file:${path}`)).toBe('one');
    await writeFile(join(directory, 'next'), 'two');
    await rename(join(directory, 'next'), path);
    expect(await resolve(`file:${path}`)).toBe('two');
    await writeFile(path, 'three');
    expect(await resolve(`file:${path}`)).toBe('three');
    const link = join(directory, 'link');
    await symlink(path, link);
    expect(await resolve(`file:${link}`)).toBe('three');
    await writeFile(join(directory, 'v2'), 'four!');
    await symlink(join(directory, 'v2'), join(directory, 'link2'));
    await rename(join(directory, 'link2'), link);
    expect(await resolve(`file:${link}`)).toBe('four!');
  });

  it('are not read again while they stay the same', async () => {
    const path = join(directory, 's');
    let reads = 0;
    const { resolve } = createSecrets({
      env: {},
      readFile: (file) => {
        reads += 1;
        return readFile(file, 'utf8');
      },
    });
    await writeFile(path, 'one');
    for (let index = 0; index < 3; index += 1) expect(await resolve(`file:${path}`)).toBe('one');
    expect(reads).toBe(1);
  });
});

describe('secrets in Vault', () => {
  it('are read by path and field, with the token, and kept for a minute', async () => {
    const seen: { url: string | undefined; headers: IncomingHttpHeaders }[] = [];
    let key = 'one';
    const address = await vault((request, response) => {
      seen.push({ url: request.url, headers: request.headers });
      response.end(kv({ api_key: key, other: 'o' }));
    });
    let nowMs = 0;
    const { resolve } = createSecrets({
      env: { VAULT_ADDR: `${address}/`, VAULT_TOKEN: 't0ken', VAULT_NAMESPACE: 'team' },
      vault: { now: () => nowMs },
    });
    const ref = 'vault:secret/services/doc proc'.replace(' ', '-');
    expect(await Promise.all([resolve(`${ref}#api_key`), resolve(`${ref}#other`)])).toEqual(['one', 'o']);
    key = 'two';
    nowMs = 59_999;
    expect(await resolve(`${ref}#api_key`)).toBe('one');
    nowMs = 60_000;
    expect(await resolve(`${ref}#api_key`)).toBe('two');
    expect(await resolve('vault:secret/data/a%b#api_key')).toBe('two');
    expect(seen.map(({ url }) => url)).toEqual([
      '/v1/secret/data/services/doc-proc',
      '/v1/secret/data/services/doc-proc',
      '/v1/secret/data/a%25b',
    ]);
    expect(seen[0]?.headers).toMatchObject({
      'x-vault-token': 't0ken',
      'x-vault-namespace': 'team',
      'x-vault-request': 'true',
    });
  });

  it('take the token from a file, each time it is needed', async () => {
    const tokens: unknown[] = [];
    const address = await vault((request, response) => {
      tokens.push(request.headers['x-vault-token']);
      response.end(kv({ f: 'v' }));
    });
    const file = join(directory, 'token');
    const { resolve } = createSecrets({ env: { VAULT_ADDR: address, VAULT_TOKEN_FILE: file }, vault: { ttlMs: 0 } });
    await expect(resolve('vault:a/b#f')).rejects.toMatchObject(
      unavailable('The secret vault:a/b#f is not available: the file VAULT_TOKEN_FILE names cannot be read.'),
    );
    await writeFile(file, 'first\n');
    await resolve('vault:a/b#f');
    await writeFile(file, 'second\n');
    await resolve('vault:a/b#f');
    expect(tokens).toEqual(['first', 'second']);
  });

  it.each<[string, RequestListener, string]>([
    [
      'a token without access',
      (_request, response) => response.writeHead(403).end('{"errors":["permission denied"]}'),
      'Vault answered 403: its token may not read this path',
    ],
    ['an unknown path', (_request, response) => response.writeHead(404).end('{"errors":[]}'), 'Vault answered 404'],
    [
      'a missing field',
      (_request, response) => response.end(kv({ other: 'c4nary' })),
      'the path has no such field holding text',
    ],
    [
      'a field that is no text',
      (_request, response) => response.end(kv({ f: 5 })),
      'the path has no such field holding text',
    ],
    [
      'a deleted version',
      (_request, response) => response.end('{"data":{"data":null}}'),
      'the path has no such field holding text',
    ],
    [
      'an inherited name',
      (_request, response) => response.end('{"data":5}'),
      'the path has no such field holding text',
    ],
    ['no JSON', (_request, response) => response.end('<html>c4nary'), 'Vault did not answer as expected'],
    [
      'a redirect',
      (_request, response) => response.writeHead(302, { location: 'http://x.example/' }).end(),
      'Vault did not answer as expected',
    ],
    ['silence', () => {}, 'Vault did not answer as expected'],
  ])('say what is wrong with %s', async (_name, answer, reason) => {
    const { resolve } = createSecrets({
      env: { VAULT_ADDR: await vault(answer), VAULT_TOKEN: 't' },
      vault: { timeoutMs: 200 },
    });
    await expect(resolve('vault:a/b#f')).rejects.toMatchObject(
      unavailable(`The secret vault:a/b#f is not available: ${reason}.`),
    );
  });

  it('need a token, and are asked for again after a failure', async () => {
    await expect(
      createSecrets({ env: { VAULT_ADDR: 'http://127.0.0.1:1' } }).resolve('vault:a/b#f'),
    ).rejects.toMatchObject(
      unavailable('The secret vault:a/b#f is not available: neither VAULT_TOKEN nor VAULT_TOKEN_FILE is set.'),
    );
    let requests = 0;
    const address = await vault((_request, response) => {
      requests += 1;
      response.writeHead(requests === 1 ? 503 : 200).end(kv({ f: 'v' }));
    });
    const { resolve } = createSecrets({ env: { VAULT_ADDR: address, VAULT_TOKEN: 't' } });
    await expect(resolve('vault:a/b#f')).rejects.toMatchObject(
      unavailable('The secret vault:a/b#f is not available: Vault answered 503.'),
    );
    expect(await resolve('vault:a/b#f')).toBe('v');
  });
});

/** What KV version 2 answers to a read. */
function kv(data: object): string {
  return JSON.stringify({ request_id: 'r', data: { data, metadata: { version: 3, destroyed: false } } });
}

async function vault(answer: RequestListener): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((resolve) => {
    server?.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
