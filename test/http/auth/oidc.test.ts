import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ClientMetadata } from 'oidc-provider';
import { createAuthenticator } from '../../../src/http/auth/authenticator.ts';
import { systemClock } from '../../../src/http/clock.ts';
import { createServiceClient } from '../../../src/http/service-client.ts';
import { RequestFailed } from '../../../src/http/types.ts';
import type { AuthConfig } from '../../../src/definition/config-types.ts';
import { createStage } from '../helpers.ts';

const stage = createStage();
beforeEach(() => {
  // The provider tells at length that this is no production setup.
  jest.spyOn(console, 'warn').mockImplementation(() => {});
  jest.spyOn(console, 'info').mockImplementation(() => {});
  // Under jest, structuredClone makes objects of another realm, which the provider does not take for plain ones.
  jest.spyOn(globalThis, 'structuredClone').mockImplementation((value) => JSON.parse(JSON.stringify(value)) as never);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stage.clear();
});

type OAuth = Extract<AuthConfig, { type: 'oauth_client_credentials' }>;

const CLIENT: ClientMetadata = {
  client_id: 'playbook',
  client_secret: 'a secret: with %, + and /',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  scope: 'jobs.read jobs.write',
};

/** A certified provider, an API that accepts its tokens only, and our client for that API. */
async function setUp(
  client: Partial<ClientMetadata> = {},
  auth: Partial<OAuth> = {},
  secrets: Record<string, string> = {},
) {
  const { Provider } = await import('oidc-provider');
  let tokenRequests = 0;
  let apiRequests = 0;
  const server = await stage.http((request, response) => {
    if (request.url === '/token') tokenRequests += 1;
    void handle(request, response);
  });
  const provider = new Provider(server.url.origin, {
    clients: [{ ...CLIENT, ...client }],
    scopes: ['jobs.read', 'jobs.write', 'jobs.admin'],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  });
  const handle = provider.callback();
  const issued: string[] = [];
  provider.on('client_credentials.saved', (token) => issued.push(token.jti));
  const api = await stage.http((request, response) => {
    apiRequests += 1;
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    void (async () => {
      const found = await provider.ClientCredentials.find(token);
      response.writeHead(found?.isValid === true ? 200 : 401, { 'content-type': 'application/json' });
      response.end('{}');
    })();
  });
  const config: OAuth = {
    type: 'oauth_client_credentials',
    token_url: `${server.url.origin}/token`,
    scopes: ['jobs.write', 'jobs.read'],
    client_id: 'playbook',
    client_secret: 'env:SECRET',
    ...auth,
  };
  // A thousand connections at once would overflow the test server's backlog.
  // A thousand at once, on a machine that may be busy.
  const patience = { connectTimeoutMs: 20_000, readTimeoutMs: 20_000, totalTimeoutMs: 40_000 };
  const transport = stage.transport({ connections: 50, ...patience });
  const values: Record<string, string> = { 'env:SECRET': String(CLIENT.client_secret), ...secrets };
  const warnings: string[] = [];
  const logger = { warn: (_fields: unknown, message: string) => warnings.push(message) };
  const authenticator = createAuthenticator(config, {
    resolve: async (ref) => values[ref] ?? '',
    transport,
    clock: systemClock,
    logger: logger as never,
  });
  const api_client = createServiceClient({
    baseUrl: api.url.origin,
    transport,
    authenticator,
    errorRules: [],
    userAgent: 'test',
    clock: systemClock,
    logger: logger as never,
  });
  const get = () =>
    api_client.send({ method: 'GET', path: '/', kind: 'poll', repeatable: true }, new AbortController().signal);
  return {
    get,
    counts: () => ({ tokenRequests, apiRequests }),
    revokeAll: async () => {
      for (const id of issued) await (await provider.ClientCredentials.find(id))?.destroy();
    },
    host: server.url.host,
    warnings,
  };
}

async function failureOf(promise: Promise<unknown>) {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  if (error instanceof RequestFailed) return error.failure;
  throw error;
}

describe('client credentials at a certified provider', () => {
  it('sends 1,000 concurrent first requests with one token request', async () => {
    const { get, counts, warnings } = await setUp();
    const answers = await Promise.all(Array.from({ length: 1000 }, get));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(counts()).toEqual({ tokenRequests: 1, apiRequests: 1000 });
    expect(warnings).toEqual([]);
  });

  it('pays one extra request for a revoked token', async () => {
    const { get, counts, revokeAll } = await setUp();
    await get();
    await revokeAll();
    expect((await get()).status).toBe(200);
    expect(counts()).toEqual({ tokenRequests: 2, apiRequests: 3 });
  });

  it('asks for one new token when a token is revoked under 100 concurrent requests', async () => {
    const { get, counts, revokeAll } = await setUp();
    await get();
    await revokeAll();
    const answers = await Promise.all(Array.from({ length: 100 }, get));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(counts().tokenRequests).toBe(2);
  });

  it('proves itself by client_secret_post', async () => {
    const { get } = await setUp(
      { token_endpoint_auth_method: 'client_secret_post' },
      { client_auth: 'client_secret_post' },
    );
    expect((await get()).status).toBe(200);
  });

  it.each([
    ['RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['EdDSA', () => generateKeyPairSync('ed25519')],
  ] as const)('proves itself by private_key_jwt with %s', async (alg, generate) => {
    const { publicKey, privateKey } = generate();
    const { get } = await setUp(
      {
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig' }] },
      },
      { client_auth: 'private_key_jwt', private_key: 'env:KEY', key_id: 'k1' },
      { 'env:KEY': privateKey.export({ type: 'pkcs8', format: 'pem' }) as string },
    );
    expect((await get()).status).toBe(200);
  });

  it('reports a wrong secret as AUTH_FAILED, final, nothing sent to the service', async () => {
    const { get, counts, host } = await setUp({}, {}, { 'env:SECRET': 'wrong' });
    expect(await failureOf(get())).toEqual({
      code: 'AUTH_FAILED',
      retryable: false,
      arrival: 'never',
      throttled: false,
      status: 401,
      serviceCode: 'invalid_client',
      message: `The token endpoint ${host} refused our credentials (401 invalid_client). Check the secrets auth refers to.`,
    });
    expect(counts().apiRequests).toBe(0);
  });

  it('reports a scope the client may not have as SCOPE_MISSING, by name', async () => {
    const { get, host } = await setUp({}, { scopes: ['jobs.admin'] });
    expect(await failureOf(get())).toMatchObject({
      code: 'SCOPE_MISSING',
      retryable: false,
      message: `The token endpoint ${host} does not grant scope jobs.admin to this client (400 invalid_scope).`,
    });
  });
});
