import { createHash, createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { PlaybookError } from '../../../src/contracts/errors.ts';
import type { AuthConfig } from '../../../src/definition/config-types.ts';
import { createAuthenticator } from '../../../src/http/auth/authenticator.ts';
import type { AuthenticatorDeps } from '../../../src/http/auth/authenticator.ts';
import type { TokenCache } from '../../../src/http/auth/token-cache.ts';
import { RequestFailed } from '../../../src/http/types.ts';
import { bodyOf, createStage, never, sendJson } from '../helpers.ts';

const stage = createStage();
afterEach(stage.clear);

const REQUEST = { method: 'POST', url: new URL('https://api.example/v3/jobs?b=1&a=2'), headers: {} } as const;
const NOW_MS = 1_700_000_000_500;

function authenticator(auth: AuthConfig, secrets: Record<string, string> = {}, deps: Partial<AuthenticatorDeps> = {}) {
  const warnings: string[] = [];
  let monotonicMs = 0;
  const made = createAuthenticator(auth, {
    resolve: async (ref) => {
      const value = secrets[ref];
      if (value === undefined) throw new PlaybookError('SECRET_UNAVAILABLE', `no ${ref}`);
      return value;
    },
    transport: stage.transport({ readTimeoutMs: 200, totalTimeoutMs: 400 }),
    clock: { nowMs: () => NOW_MS, monotonicMs: () => monotonicMs },
    logger: { warn: (_fields: unknown, message: string) => warnings.push(message) } as never,
    random: () => 0,
    ...deps,
  });
  return {
    ...made,
    warnings,
    advance: (ms: number) => {
      monotonicMs += ms;
    },
  };
}

async function failureOf(promise: Promise<unknown>) {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  if (error instanceof RequestFailed) return error.failure;
  throw error;
}

describe('credentials sent as they are', () => {
  it.each<[string, AuthConfig, Record<string, string>]>([
    ['none', { type: 'none' }, {}],
    ['api_key', { type: 'api_key', header: 'x-api-key', key: 'env:K' }, { 'x-api-key': 'k1' }],
    [
      'api_key with a prefix',
      { type: 'api_key', header: 'authorization', key: 'env:K', prefix: 'Key ' },
      { authorization: 'Key k1' },
    ],
    ['bearer', { type: 'bearer', token: 'env:K' }, { authorization: 'Bearer k1' }],
    [
      'basic',
      { type: 'basic', username: 'Aladdin', password: 'env:P' },
      { authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' },
    ],
    [
      'basic with a user name by reference',
      { type: 'basic', username: 'env:U', password: 'env:P' },
      { authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' },
    ],
  ])('%s', async (_name, auth, headers) => {
    const { authorize } = authenticator(auth, { 'env:K': 'k1', 'env:P': 'open sesame', 'env:U': 'Aladdin' });
    expect((await authorize(REQUEST, never)).headers).toEqual(headers);
  });

  it('is worth another attempt after a 401 only when the secret was rotated meanwhile', async () => {
    const secrets = { 'env:K': 'k1' };
    const { authorize, invalidate } = authenticator({ type: 'bearer', token: 'env:K' }, secrets);
    const before = await authorize(REQUEST, never);
    expect(before.credential).not.toContain('k1');
    expect(invalidate(before.credential)).toBe(false);
    secrets['env:K'] = 'k2';
    expect((await authorize(REQUEST, never)).headers).toEqual({ authorization: 'Bearer k2' });
    expect(invalidate(before.credential)).toBe(true);
    expect(authenticator({ type: 'none' }).invalidate('none')).toBe(false);
  });

  it('says which reference could not be resolved', async () => {
    const { authorize } = authenticator({ type: 'bearer', token: 'env:GONE' });
    await expect(authorize(REQUEST, never)).rejects.toThrow(new PlaybookError('SECRET_UNAVAILABLE', 'no env:GONE'));
  });
});

describe('signed requests', () => {
  const auth = { type: 'hmac', key_id: 'id1', secret: 'env:S' } as const;

  it('cover method, path with query, time and the body’s digest', async () => {
    const { authorize } = authenticator(auth, { 'env:S': 's3cret' });
    const { headers } = await authorize({ ...REQUEST, body: Buffer.from('{"a":1}') }, never);
    const content = `POST\n/v3/jobs?b=1&a=2\n1700000000\n${sha256('{"a":1}')}`;
    expect(headers).toEqual({
      'x-key-id': 'id1',
      'x-timestamp': '1700000000',
      'x-signature': createHmac('sha256', 's3cret').update(content).digest('hex'),
    });
  });

  it('say so where the body is streamed, and go into the configured header', async () => {
    const { authorize } = authenticator({ ...auth, header: 'x-sig' }, { 'env:S': 's3cret' });
    const { headers } = await authorize(REQUEST, never);
    const content = 'POST\n/v3/jobs?b=1&a=2\n1700000000\nUNSIGNED-PAYLOAD';
    expect(headers['x-sig']).toBe(createHmac('sha256', 's3cret').update(content).digest('hex'));
  });

  it('may be signed by the integration’s own scheme', async () => {
    const { authorize } = authenticator(
      auth,
      { 'env:S': 's3cret' },
      { signer: (request, { keyId, timestampS }) => ({ 'x-own': `${request.method} ${keyId} ${timestampS}` }) },
    );
    expect((await authorize(REQUEST, never)).headers).toEqual({ 'x-own': 'POST id1 1700000000' });
  });
});

type Answer = readonly [status: number, body: unknown, headers?: Record<string, string>];

describe('a token endpoint', () => {
  const TOKEN = { access_token: 't1', token_type: 'Bearer', expires_in: 3600, scope: 'a b' };

  async function setUp(answers: Answer[], more: object = {}, deps: Partial<AuthenticatorDeps> = {}) {
    const bodies: URLSearchParams[] = [];
    const { url } = await stage.http((request, response) => {
      void (async () => {
        const body = await bodyOf(request);
        bodies.push(new URLSearchParams(body));
        const [status, json, headers] = answers[Math.min(bodies.length, answers.length) - 1] ?? [500, {}];
        if (typeof json === 'string') response.writeHead(status, headers).end(json);
        else sendJson(response, status, json, headers);
      })();
    });
    const auth = {
      type: 'oauth_client_credentials',
      token_url: `${url.origin}/token`,
      scopes: ['a', 'b'],
      client_id: 'env:ID',
      client_secret: 'env:SECRET',
      ...more,
    } as AuthConfig;
    const made = authenticator(auth, { 'env:ID': 'client', 'env:SECRET': 'hunter2', 'env:BAD': 'no key' }, deps);
    return { ...made, auth, bodies, host: url.host };
  }

  it('is asked with the grant, the scopes and the audience', async () => {
    const { authorize, bodies } = await setUp([[200, TOKEN]], {
      client_auth: 'client_secret_post',
      audience: 'https://api.example',
    });
    expect((await authorize(REQUEST, never)).headers).toEqual({ authorization: 'Bearer t1' });
    expect(Object.fromEntries(bodies[0] ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'a b',
      audience: 'https://api.example',
      client_id: 'client',
      client_secret: 'hunter2',
    });
  });

  it('grants what was asked for when it does not name scopes', async () => {
    const { authorize, warnings } = await setUp([[200, { access_token: 't1', token_type: 'bearer' }]]);
    expect((await authorize(REQUEST, never)).headers).toEqual({ authorization: 'Bearer t1' });
    expect(warnings).toEqual([]);
  });

  it.each<[string, Answer, object]>([
    [
      '500',
      [500, 'oops'],
      { code: 'SERVICE_UNAVAILABLE', retryable: true, throttled: true, message: 'answered 500; it is asked again.' },
    ],
    [
      '429 with seconds to wait',
      [429, { error: 'slow_down' }, { 'retry-after': '7' }],
      { code: 'SERVICE_UNAVAILABLE', retryable: true, throttled: true, retryAfterMs: 7000 },
    ],
    [
      '503 with a date to wait for',
      [503, {}, { date: 'Tue, 14 Nov 2023 22:13:20 GMT', 'retry-after': 'Tue, 14 Nov 2023 22:13:29 GMT' }],
      { code: 'SERVICE_UNAVAILABLE', retryable: true, retryAfterMs: 9000 },
    ],
    [
      '400 temporarily_unavailable',
      [400, { error: 'temporarily_unavailable' }],
      { code: 'SERVICE_UNAVAILABLE', retryable: true },
    ],
    [
      '400 unauthorized_client',
      [400, { error: 'unauthorized_client', error_description: 'client hunter2' }],
      { code: 'AUTH_FAILED', retryable: false, throttled: false, serviceCode: 'unauthorized_client' },
    ],
    [
      '403 without a readable body',
      [403, '<html>hunter2</html>'],
      {
        code: 'AUTH_FAILED',
        retryable: false,
        message: 'refused our credentials (403). Check the secrets auth refers to.',
      },
    ],
    ['a redirect', [302, '', { location: 'https://elsewhere.example/' }], { code: 'AUTH_FAILED', retryable: false }],
    [
      '200 without a token',
      [200, { token_type: 'bearer' }],
      {
        code: 'CONTRACT_VIOLATION',
        retryable: false,
        message: 'answered 200 without a usable bearer token: see access_token.',
      },
    ],
    [
      '200 with a token of another type',
      [200, { ...TOKEN, token_type: 'DPoP' }],
      { code: 'CONTRACT_VIOLATION', message: 'answered 200 without a usable bearer token: see token_type.' },
    ],
    [
      '200 with a token that would break a header',
      [200, { ...TOKEN, access_token: 'a\r\nx: y' }],
      { code: 'CONTRACT_VIOLATION', message: 'answered 200 without a usable bearer token: see access_token.' },
    ],
    [
      '200 without JSON',
      [200, 'ok'],
      { code: 'CONTRACT_VIOLATION', message: 'answered 200 without a usable bearer token: see the body.' },
    ],
    [
      '200 with a scope missing',
      [200, { ...TOKEN, scope: 'a' }],
      { code: 'SCOPE_MISSING', retryable: false, message: 'lacks scope b. Have it granted to this client.' },
    ],
  ])('that answers %s', async (_name, answer, expected) => {
    const { authorize, host } = await setUp([answer]);
    const failure = await failureOf(authorize(REQUEST, never));
    const { message, ...facts } = { message: '', ...expected };
    expect(failure).toMatchObject({ ...facts, arrival: 'never' });
    expect(failure.message).toContain(host);
    expect(failure.message.endsWith(message)).toBe(true);
    expect(JSON.stringify(failure)).not.toContain('hunter2');
  });

  it('that cannot be reached or does not answer is asked again, and costs no attempt', async () => {
    const silent = await stage.http(() => {});
    const cases = [
      ['http://127.0.0.1:1', 'SERVICE_UNAVAILABLE', 'connect'],
      [silent.url.origin, 'SERVICE_TIMEOUT', 'read-timeout'],
    ] as const;
    for (const [origin, code, problem] of cases) {
      const { authorize } = await setUp([], { token_url: `${origin}/token` });
      const { host } = new URL(origin);
      expect(await failureOf(authorize(REQUEST, never))).toEqual({
        code,
        retryable: true,
        arrival: 'never',
        throttled: true,
        message: `The token endpoint ${host} gave no answer (${problem}); it is asked again.`,
      });
    }
  });

  it('that grants more scopes than declared is warned of once, naming them', async () => {
    const { authorize, invalidate, warnings, host } = await setUp([[200, { ...TOKEN, scope: 'a admin b' }]]);
    invalidate((await authorize(REQUEST, never)).credential);
    await authorize(REQUEST, never);
    expect(warnings).toEqual([
      `The token from ${host} has more scopes than auth.scopes declares: admin. Grant only what is needed.`,
    ]);
  });

  it('that fails while the token is still valid stops nobody', async () => {
    const set = await setUp([
      [200, TOKEN],
      [500, {}],
    ]);
    await set.authorize(REQUEST, never);
    set.advance(3_000_000);
    await set.authorize(REQUEST, never);
    while (set.warnings.length === 0) {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
    expect(set.warnings).toEqual([`The access token from ${set.host} was not refreshed; the old one is still valid.`]);
    expect((await set.authorize(REQUEST, never)).headers).toEqual({ authorization: 'Bearer t1' });
  });

  it('is asked once by authenticators that share tokens, client and scopes being the same', async () => {
    const tokens = new Map<string, TokenCache>();
    const set = await setUp([[200, TOKEN]], {}, { tokens });
    const other = authenticator(set.auth, {}, { tokens });
    const first = await set.authorize(REQUEST, never);
    expect(await other.authorize(REQUEST, never)).toEqual(first);
    expect(set.bodies).toHaveLength(1);
    expect(tokens.size).toBe(1);
  });

  it('gets a signed assertion for the JWT bearer grant', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const { auth, bodies } = await setUp([[200, TOKEN]], {
      type: 'jwt_bearer',
      issuer: 'robot@example',
      subject: 'person@example',
      private_key: 'env:KEY',
      key_id: 'k7',
    });
    const { authorize } = authenticator(auth, { 'env:KEY': pem });
    await authorize(REQUEST, never);
    const sent = Object.fromEntries(bodies[0] ?? []);
    expect(sent).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      scope: 'a b',
      assertion: expect.any(String),
    });
    const [header = '', payload = '', signature = ''] = String(sent['assertion']).split('.');
    expect(read(header)).toEqual({ alg: 'ES384', typ: 'JWT', kid: 'k7' });
    expect(read(payload)).toEqual({
      iss: 'robot@example',
      sub: 'person@example',
      aud: (auth as { token_url: string }).token_url,
      jti: expect.any(String),
      iat: 1_700_000_000,
      exp: 1_700_000_120,
    });
    const key = { key: createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha384', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it.each([
    ['text', 'no key', 'it is not an unencrypted private key in PEM form'],
    [
      'a curve of no JWT algorithm',
      pemOf('ec', { namedCurve: 'secp256k1' }),
      'its curve is none of P-256, P-384, P-521',
    ],
    ['a key that cannot sign', pemOf('x25519'), 'it is neither RSA, EC nor Ed25519'],
  ])('is not asked with %s for a private key', async (_name, pem, reason) => {
    const { auth, bodies } = await setUp([], { client_auth: 'private_key_jwt', private_key: 'env:KEY' });
    const { authorize } = authenticator(auth, { 'env:ID': 'client', 'env:KEY': pem });
    await expect(authorize(REQUEST, never)).rejects.toThrow(
      new PlaybookError('CONFIG_INVALID', `The private key auth refers to cannot be used: ${reason}.`),
    );
    expect(bodies).toEqual([]);
  });

  it('accepts an ES512 assertion’s key', async () => {
    const { auth, bodies } = await setUp([[200, TOKEN]], { client_auth: 'private_key_jwt', private_key: 'env:KEY' });
    const { authorize } = authenticator(auth, { 'env:ID': 'client', 'env:KEY': pemOf('ec', { namedCurve: 'P-521' }) });
    await authorize(REQUEST, never);
    const header = String(bodies[0]?.get('client_assertion')).split('.')[0] ?? '';
    expect(Buffer.from(header, 'base64url').toString()).toBe('{"alg":"ES512","typ":"JWT"}');
  });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function read(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}

function pemOf(type: 'ec' | 'x25519', options: object = {}): string {
  const { privateKey } = generateKeyPairSync(type as 'ec', options as { namedCurve: string });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}
