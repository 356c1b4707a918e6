import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { defaultClient, defaultWebhookSecret, sandboxAccess, startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/index.ts';
import { until } from '../helpers/until.ts';
import { startReceiver } from './support/receiver.ts';

type Shape = NonNullable<SandboxOptions['shape']>;
type Json = Record<string, unknown>;

const running: Sandbox[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((sandbox) => sandbox.close()));
});

/** A service that does nothing but keep its jobs. */
const plain: Shape = {
  name: 'plain',
  submit: {
    path: '/jobs',
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['what'],
      properties: {
        what: { type: 'string' },
        tag: { type: 'string' },
        token: { type: 'string' },
        hook: { type: 'string' },
      },
    },
    take: { reference: 'tag', callbackUrl: 'hook' },
    idempotency: { kind: 'none' },
  },
  status: { path: '/jobs/{id}' },
  result: { path: '/jobs/{id}/result' },
  cancel: { method: 'DELETE', path: '/jobs/{id}' },
  list: {
    path: '/jobs',
    parameters: { limit: 'size', status: 'state', reference: 'tag' },
    maxLimit: 3,
    body: { jobs: '$items', next: '$next', total: '$total' },
  },
  states: { processing: 'busy', completed: 'done', failed: 'broken', canceled: 'gone' },
  bodies: {
    job: { id: '$id', state: '$word', link: '/jobs/${id}', what: '$field.what', tag: '$reference?', why: '$error?' },
    result: { echo: '$field.what' },
  },
  work: { kind: 'none', fails: [{ field: 'what', matches: '^bad', code: 'BAD', message: 'It is bad.' }] },
};

async function start(shape: Partial<Shape> = {}, options: SandboxOptions = {}) {
  const sandbox = await startSandbox({
    limit: { rate: 1_000 },
    processing: { minMs: 0, maxMs: 0 },
    ...options,
    shape: { ...plain, ...shape },
  });
  running.push(sandbox);
  const call = async (method: string, path: string, body?: Json, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${sandbox.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, json: (text === '' ? {} : JSON.parse(text)) as Json };
  };
  const ended = (id: unknown, state = 'done') =>
    until(`${String(id)} is ${state}`, async () => (await call('GET', `/jobs/${String(id)}`)).json['state'] === state);
  return { sandbox, call, ended };
}

describe('a shape', () => {
  it('gives a job the words, fields and result of its templates', async () => {
    const { call, ended } = await start();
    const made = await call('POST', '/jobs', { what: 'tea' });
    expect(made).toMatchObject({ status: 202, json: { state: 'busy', what: 'tea' } });
    const { id } = made.json;
    expect(made.json).toEqual({ id, state: 'busy', link: `/jobs/${String(id)}`, what: 'tea' });
    await ended(id);
    expect((await call('GET', `/jobs/${String(id)}/result`)).json).toEqual({ echo: 'tea' });
    expect((await call('DELETE', `/jobs/${String(id)}`)).status).toBe(409);
    const bad = await call('POST', '/jobs', { what: 'bad tea', tag: 'mine' });
    await ended(bad.json['id'], 'broken');
    expect((await call('GET', `/jobs/${String(bad.json['id'])}`)).json).toMatchObject({
      tag: 'mine',
      why: { code: 'BAD', message: 'It is bad.' },
    });
  });

  it('refuses a body by its JSON Schema, and answers errors in its own form, status and code', async () => {
    const { call } = await start({
      bodies: { ...plain.bodies, error: { problem: '$code', about: '$field?', text: '$message' } },
      errors: { VALIDATION: { status: 422, code: 'wrong' } },
    });
    expect(await call('POST', '/jobs', { what: 1 })).toMatchObject({
      status: 422,
      json: { problem: 'wrong', about: 'what' },
    });
    expect(await call('GET', '/jobs/none')).toMatchObject({ status: 404, json: { problem: 'NOT_FOUND' } });
    expect((await call('GET', '/jobs/none')).json).not.toHaveProperty('about');
  });

  it('names the first field of a body that is wrong, wherever it stands', async () => {
    const inner = { type: 'object', properties: { a: { type: 'string' } } };
    const schema = { ...plain.submit.schema, properties: { what: { type: 'string' }, tag: {}, inner } };
    const { call } = await start({ submit: { ...plain.submit, schema } });
    const refused = async (body: Json) => {
      const { status, json } = await call('POST', '/jobs', body);
      return [status, (json['error'] as Json)['message']];
    };
    expect(await refused({ what: 'tea', tag: 7 })).toEqual([400, 'tag: must be text']);
    expect(await refused({ what: 'tea', inner: { a: 1 } })).toEqual([400, expect.stringMatching(/^inner\.a: /)]);
    expect(await refused({ what: 'tea', sugar: 1 })).toEqual([400, expect.stringMatching(/^sugar: .*sugar/)]);
    expect(await refused([] as unknown as Json)).toEqual([400, expect.stringMatching(/^body: /)]);
  });

  it('fills texts with whatever there is, and drifts at the word wherever it stands', async () => {
    const job = { id: '$id', about: { state: '$word', say: ['${costMicros} for ${reference}', '$reference?'] } };
    const { call, sandbox } = await start({ bodies: { ...plain.bodies, job } });
    const { id, about } = (await call('POST', '/jobs', { what: 'tea' })).json;
    expect(about).toEqual({ state: 'busy', say: ['10000 for ', null] });
    sandbox.faults({ rules: [{ kind: 'drift', method: 'GET', status: 'odd' }] });
    expect((await call('GET', `/jobs/${String(id)}`)).json).toMatchObject({ about: { state: 'odd' } });
  });

  it('without a list has none, and without a word in its jobs no word drifts', async () => {
    const { list: _none, ...unlisted } = plain;
    const sandbox = await startSandbox({ shape: { ...unlisted, bodies: { job: { id: '$id' } } } });
    running.push(sandbox);
    expect((await fetch(`${sandbox.url}/jobs`)).status).toBe(405);
    sandbox.faults({ rules: [{ kind: 'drift', method: 'POST', add: { extra: 1 } }] });
    const answer = await fetch(`${sandbox.url}/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"what":"tea"}',
    });
    expect(await answer.json()).toEqual({ id: expect.any(String), extra: 1 });
  });

  it('queues a job for the first half of its time, and has no result until it is done', async () => {
    const { call, ended } = await start(
      { states: { ...plain.states, queued: 'waiting' } },
      { processing: { minMs: 1_500, maxMs: 1_500 } },
    );
    const { id, state } = (await call('POST', '/jobs', { what: 'tea' })).json;
    expect(state).toBe('waiting');
    expect((await call('GET', `/jobs/${String(id)}/result`)).status).toBe(409);
    await ended(id, 'busy');
    await ended(id);
    expect((await call('GET', '/jobs?state=waiting')).json['jobs']).toEqual([]);
    expect((await call('GET', '/jobs?state=done')).json['jobs']).toHaveLength(1);
    expect((await call('GET', '/jobs?state=unheard')).status).toBe(400);
  });

  it('is busy while too many jobs of a client are under way', async () => {
    const { call } = await start(
      { submit: { ...plain.submit, busy: { jobs: 2, code: 'FULL', retryAfterS: 3 } } },
      { processing: { minMs: 60_000, maxMs: 60_000 } },
    );
    const first = await call('POST', '/jobs', { what: 'a' });
    await call('POST', '/jobs', { what: 'b' });
    const refused = await call('POST', '/jobs', { what: 'c' });
    expect(refused).toMatchObject({ status: 409, json: { error: { code: 'FULL' } } });
    expect(refused.headers.get('retry-after')).toBe('3');
    expect(await call('DELETE', `/jobs/${String(first.json['id'])}`)).toMatchObject({
      status: 200,
      json: { state: 'gone' },
    });
    expect((await call('POST', '/jobs', { what: 'c' })).status).toBe(202);
  });
});

describe('a list', () => {
  const list = plain.list as NonNullable<Shape['list']>;

  async function five(pagination: NonNullable<typeof list.pagination>) {
    const service = await start({ list: { ...list, pagination } });
    const ids: unknown[] = [];
    for (const what of ['1', '2', '3', '4', '5'])
      ids.push((await service.call('POST', '/jobs', { what, tag: what })).json['id']);
    for (const id of ids) await service.ended(id);
    return service;
  }
  const whats = ({ jobs }: Json): unknown[] => (jobs as Json[]).map(({ what }) => what);

  it('is paged by offset, in the order of creation', async () => {
    const { call } = await five('offset');
    const first = (await call('GET', '/jobs?size=3')).json;
    expect([whats(first), first['next'], first['total']]).toEqual([['1', '2', '3'], '3', 5]);
    const last = (await call('GET', '/jobs?size=3&offset=3')).json;
    expect([whats(last), last['next']]).toEqual([['4', '5'], null]);
    expect((await call('GET', '/jobs?offset=-1')).status).toBe(400);
    expect((await call('GET', '/jobs?size=4')).status).toBe(400);
    expect(whats((await call('GET', '/jobs?tag=4')).json)).toEqual(['4']);
  });

  it('is paged by page numbers from 1', async () => {
    const { call } = await five('page');
    const first = (await call('GET', '/jobs?size=2')).json;
    expect([whats(first), first['next']]).toEqual([['1', '2'], '2']);
    expect(whats((await call('GET', '/jobs?size=2&page=3')).json)).toEqual(['5']);
    expect((await call('GET', '/jobs?page=0')).status).toBe(400);
  });

  it('is paged by cursor, or by a Link header', async () => {
    const { call } = await five('cursor');
    const first = (await call('GET', '/jobs?size=3')).json;
    const rest = (await call('GET', `/jobs?size=3&cursor=${String(first['next'])}`)).json;
    expect(new Set([...whats(first), ...whats(rest)])).toEqual(new Set(['1', '2', '3', '4', '5']));
    const linked = await five('link');
    const [, next = ''] =
      /^<(.+)>; rel="next"$/.exec((await linked.call('GET', '/jobs?size=3')).headers.get('link') ?? '') ?? [];
    const last = await linked.call('GET', next);
    expect([whats(last.json).length, last.headers.get('link')]).toEqual([2, null]);
  });
});

describe('a caller', () => {
  const { secret, id } = defaultClient;
  const basic = Buffer.from(`${id}:${secret}`).toString('base64');

  it.each([
    [{ kind: 'api-key', header: 'X-Key' } as const, { 'x-key': secret }, 'ApiKey realm="plain"'],
    [{ kind: 'bearer' } as const, { authorization: `Bearer ${secret}` }, 'Bearer realm="plain"'],
    [{ kind: 'basic' } as const, { authorization: `Basic ${basic}` }, 'Basic realm="plain"'],
  ])('proves who it is by %j', async (auth, headers, challenge) => {
    const { call } = await start({ auth });
    const refused = await call('GET', '/jobs');
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, challenge]);
    expect((await call('GET', '/jobs', undefined, headers)).status).toBe(200);
  });

  it('gets a token where the shape says', async () => {
    const { sandbox, call } = await start({ auth: { kind: 'oauth', tokenPath: '/token' } });
    const answer = await fetch(`${sandbox.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret }),
    });
    const { access_token: token } = (await answer.json()) as { readonly access_token: string };
    expect((await call('GET', '/jobs', undefined, { authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await call('GET', '/jobs', undefined, { authorization: 'Bearer nonsense' })).status).toBe(401);
  });

  it('is told how to reach it', () => {
    const of = (shape?: Partial<Shape>) =>
      sandboxAccess(shape === undefined ? {} : { shape: { ...plain, ...shape } }, 'http://sandbox');
    expect(of().auth).toMatchObject({ type: 'oauth_client_credentials', token_url: 'http://sandbox/oauth/token' });
    expect(of({ auth: { kind: 'oauth', tokenPath: '/t' } }).auth).toMatchObject({ token_url: 'http://sandbox/t' });
    expect(of({ auth: { kind: 'api-key', header: 'X-Key' } }).auth).toMatchObject({ type: 'api_key', header: 'X-Key' });
    expect(of({ auth: { kind: 'bearer' } }).auth).toMatchObject({ type: 'bearer' });
    expect(of({ auth: { kind: 'basic' } }).auth).toMatchObject({ type: 'basic', username: id });
    expect(of({ auth: { kind: 'none' } })).toMatchObject({ auth: { type: 'none' }, webhookSecret: undefined });
  });
});

describe('a repeated submit', () => {
  const { submit } = plain;

  it('is recognised by a field of the body', async () => {
    const { call, sandbox } = await start({ submit: { ...submit, idempotency: { kind: 'body', field: 'token' } } });
    const first = await call('POST', '/jobs', { what: 'tea', token: 'k' });
    expect((await call('POST', '/jobs', { token: 'k', what: 'tea' })).json['id']).toBe(first.json['id']);
    expect((await call('POST', '/jobs', { what: 'milk', token: 'k' })).status).toBe(422);
    expect((await call('POST', '/jobs', { what: 'tea' })).status).toBe(400);
    expect(sandbox.requests({ accepted: true })).toMatchObject([{ key: 'k' }]);
  });

  it('is recognised by a header of another name, which the log knows', async () => {
    const { call, sandbox } = await start({ submit: { ...submit, idempotency: { kind: 'header', header: 'X-Once' } } });
    const first = await call('POST', '/jobs', { what: 'tea' }, { 'x-once': 'k' });
    expect((await call('POST', '/jobs', { what: 'tea' }, { 'x-once': 'k' })).json['id']).toBe(first.json['id']);
    expect(sandbox.requests().map(({ key, replayed }) => [key, replayed])).toEqual([
      ['k', false],
      ['k', true],
    ]);
  });

  it('is recognised by the id in its path, also where a fault answers it', async () => {
    const { call, sandbox } = await start({
      submit: { ...submit, method: 'PUT', path: '/jobs/{id}', idempotency: { kind: 'put-id' } },
    });
    sandbox.faults({ rules: [{ kind: 'error', status: 500, method: 'PUT', count: 1 }] });
    expect((await call('PUT', '/jobs/mine', { what: 'tea' })).status).toBe(500);
    expect((await call('PUT', '/jobs/mine', { what: 'tea' })).json).toMatchObject({ id: 'mine' });
    expect((await call('PUT', '/jobs/mine', { what: 'milk' })).status).toBe(409);
    expect(sandbox.requests().map(({ key }) => key)).toEqual(['mine', 'mine', 'mine']);
  });
});

describe('webhooks of a shape', () => {
  it('have its events, payload and signature; a state without an event causes none', async () => {
    const { call, ended } = await start({
      webhooks: {
        scheme: { kind: 'hmac', signatureHeader: 'X-Sig', timestampHeader: 'X-At', prefix: 'v0=', encoding: 'base64' },
        events: { completed: 'job/done' },
        body: { event: '$event', id: '$id', when: '$atS' },
      },
    });
    const receiver = await startReceiver();
    const { id } = (await call('POST', '/jobs', { what: 'tea', hook: receiver.url })).json;
    await until('the webhook has come', () => receiver.received.length === 1);
    const [delivery] = receiver.received;
    const { body = '', headers = {} } = delivery ?? {};
    expect(JSON.parse(body)).toEqual({ event: 'job/done', id, when: Number(headers['x-at']) });
    const mac = createHmac('sha256', defaultWebhookSecret)
      .update(`${String(headers['x-at'])}.${body}`)
      .digest('base64');
    expect(headers['x-sig']).toBe(`v0=${mac}`);
    const bad = (await call('POST', '/jobs', { what: 'bad', hook: receiver.url })).json;
    await ended(bad['id'], 'broken');
    expect(receiver.received).toHaveLength(1);
  });
});

describe('a shape that does not fit together', () => {
  it.each([
    [{ submit: { ...plain.submit, path: '/jobs/{id}' } }, 'shape.submit.path: has {id}'],
    [{ submit: { ...plain.submit, idempotency: { kind: 'put-id' } } }, 'shape.submit.path: must contain {id}'],
    [{ work: { kind: 'audio' } }, 'shape.work.kind: audio needs a file'],
    [{ status: { path: '/jobs' } }, 'shape.status.path: must contain {id}'],
  ])('is refused (%#)', async (wrong, message) => {
    await expect(startSandbox({ shape: { ...plain, ...wrong } as Shape })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(message),
    });
  });
});
