import { describe, expect, it } from '@jest/globals';
import { defaultClient, startSandbox } from '../../src/sandbox/index.ts';
import { createTokens } from '../../src/sandbox/auth/tokens.ts';
import { callerOf, start, stop, token } from './support/api.ts';
import type { Reply } from './support/api.ts';

const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const FORM = 'application/x-www-form-urlencoded';
const good = `client_id=${defaultClient.id}&client_secret=${defaultClient.secret}&grant_type=client_credentials`;

const ask = async (body: string, headers: Record<string, string> = {}): Promise<Reply> =>
  (await start({ clients: [defaultClient, { id: 'odd id', secret: 'a%b&c+d', scopes: [] }] })).call(
    'POST',
    '/oauth/token',
    { anonymous: true, headers: { 'content-type': FORM, ...headers }, body },
  );

describe('POST /oauth/token', () => {
  it('gives a token for form fields', async () => {
    const reply = await ask(good);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.json).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3_600,
      scope: 'jobs.write jobs.read',
    });
  });

  it('gives a token for Basic credentials, form-decoded', async () => {
    const authorization = basic('odd+id', 'a%25b%26c%2Bd');
    expect(await ask('grant_type=client_credentials', { authorization })).toMatchObject({
      status: 200,
      json: { scope: '' },
    });
  });

  it('grants fewer scopes when fewer are asked for', async () => {
    expect((await ask(`${good}&scope=jobs.read`)).json['scope']).toBe('jobs.read');
  });

  it.each([
    ['another content type', good, { 'content-type': 'application/json' }, 400, 'invalid_request'],
    ['a repeated field', `${good}&scope=a&scope=b`, {}, 400, 'invalid_request'],
    ['two ways to authenticate', good, { authorization: basic('a', 'b') }, 400, 'invalid_request'],
    ['no grant type', good.split('&grant_type')[0], {}, 400, 'invalid_request'],
    ['another grant type', good.replace('client_credentials', 'password'), {}, 400, 'unsupported_grant_type'],
    ['a scope not granted', `${good}&scope=jobs.read+admin`, {}, 400, 'invalid_scope'],
    ['a wrong secret', good.replace(defaultClient.secret, 'wrong'), {}, 401, 'invalid_client'],
    ['no credentials', 'grant_type=client_credentials', {}, 401, 'invalid_client'],
    ['malformed Basic', 'grant_type=client_credentials', { authorization: 'Basic ???' }, 401, 'invalid_client'],
    ['Basic without a colon', 'grant_type=client_credentials', { authorization: 'Basic YQ==' }, 401, 'invalid_client'],
  ])('refuses %s', async (_name, body, headers, status, error) => {
    const reply = await ask(String(body), headers);
    expect(reply).toMatchObject({ status, json: { error, error_description: expect.any(String) } });
    expect(reply.headers.get('www-authenticate')).toBe(status === 401 ? 'Basic realm="docproc"' : null);
  });

  it('is not limited, and neither is anybody without a token', async () => {
    const api = await start({ limit: { rate: 1, windowMs: 60_000 } });
    for (let index = 0; index < 5; index += 1) await token(api.sandbox);
    for (let index = 0; index < 5; index += 1) {
      expect((await api.call('GET', '/v3/jobs', { anonymous: true })).status).toBe(401);
    }
    expect((await api.call('GET', '/v3/jobs')).status).toBe(200);
  });
});

describe('a bearer token', () => {
  it.each([
    ['is missing', {}, 'Bearer realm="docproc"'],
    ['is of another scheme', { authorization: basic('a', 'b') }, 'error="invalid_token"'],
    ['is made up', { authorization: 'Bearer bm8.bm8' }, 'error="invalid_token"'],
    ['is not even JSON inside', { authorization: 'Bearer e30.bm8' }, 'error="invalid_token"'],
  ])('is asked for with 401 when it %s', async (_name, headers, challenge) => {
    const api = await start();
    const reply = await api.call('GET', '/v3/jobs', { anonymous: true, headers });
    expect(reply).toMatchObject({ status: 401, json: { error: { code: 'UNAUTHENTICATED' } } });
    expect(reply.headers.get('www-authenticate')).toContain(challenge);
  });

  it('lacking a scope gets 403 that names the scope', async () => {
    const { sandbox } = await start();
    const reader = callerOf(sandbox, { authorization: `Bearer ${await token(sandbox, 'jobs.read')}` });
    const reply = await reader.submit('sha256:0');
    expect(reply).toMatchObject({ status: 403, json: { error: { code: 'INSUFFICIENT_SCOPE' } } });
    expect(reply.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="jobs.write"');
    expect((await reader.call('GET', '/v3/jobs')).status).toBe(200);
  });

  it('stops working when revoked and when expired, and shorter lifetimes can be switched on', async () => {
    const api = await start();
    api.sandbox.faults({ tokens: { revoke: true, lifetimeS: 60 } });
    expect((await api.call('GET', '/v3/jobs')).status).toBe(401);
    const renewed = callerOf(api.sandbox, { authorization: `Bearer ${await token(api.sandbox)}` });
    expect((await renewed.call('GET', '/v3/jobs')).status).toBe(200);

    let nowMs = 0;
    const tokens = createTokens([defaultClient], 60, () => nowMs);
    const { token: short } = tokens.issue(defaultClient, ['jobs.read']);
    nowMs = 59_999;
    expect(tokens.check(short)).toEqual({ clientId: defaultClient.id, scopes: ['jobs.read'] });
    nowMs = 60_000;
    expect(tokens.check(short)).toBeUndefined();
  });

  it('outlives a restart of the service', async () => {
    const first = await startSandbox();
    const bearer = { authorization: `Bearer ${await token(first)}` };
    await first.close();
    const second = await startSandbox();
    expect((await callerOf(second, bearer).call('GET', '/v3/jobs')).status).toBe(200);
    await stop(second);
  });

  it('shows its client no job of another', async () => {
    const other = { id: 'other', secret: 'other-secret', scopes: ['jobs.read', 'jobs.write'] };
    const api = await start(
      { clients: [defaultClient, other], auth: 'api-key' },
      { 'x-api-key': defaultClient.secret },
    );
    const { json } = await api.submit(await api.upload(Buffer.from('mine')));
    await api.ended(json['id']);
    const stranger = callerOf(api.sandbox, { 'x-api-key': other.secret });
    expect((await stranger.call('GET', `/v3/jobs/${String(json['id'])}`)).status).toBe(404);
    expect((await stranger.call('GET', `/v3/artifacts/art_${String(json['id'])}`)).status).toBe(404);
    expect((await stranger.call('GET', '/v3/jobs')).json['data']).toEqual([]);
  });
});

describe('other ways to authenticate', () => {
  it('knows an API key, and has no token endpoint then', async () => {
    const reader = { id: 'reader', secret: 'read-only', scopes: ['jobs.read'] };
    const api = await start({ auth: 'api-key', clients: [defaultClient, reader] }, { 'x-api-key': 'read-only' });
    expect((await api.call('GET', '/v3/jobs')).status).toBe(200);
    const refused = await api.submit('sha256:0');
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('scope="jobs.write"');
    expect((await api.call('GET', '/v3/jobs', { headers: { 'x-api-key': 'wrong' } })).status).toBe(401);
    expect((await api.call('GET', '/v3/jobs', { anonymous: true })).headers.get('www-authenticate')).toBe(
      'ApiKey realm="docproc"',
    );
    expect((await api.call('POST', '/oauth/token')).status).toBe(404);
  });

  it('lets everybody in when told to', async () => {
    const api = await start({ auth: 'none' }, {});
    expect((await api.submit(await api.upload(Buffer.from('x')))).status).toBe(202);
  });
});
