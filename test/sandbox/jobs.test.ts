import { describe, expect, it } from '@jest/globals';
import { sorted, start, token, until } from './support/api.ts';
import type { Caller, Json } from './support/api.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const slow = { processing: { minMs: 60_000, maxMs: 60_000 } };
const ids = (page: Json): unknown[] => (page['data'] as Json[]).map((job) => job['id']);

describe('PUT /v3/files/{sha256}', () => {
  const HASH = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'; // of "hello"
  const put = (api: Caller, body: string | Buffer, type?: string, hash = HASH) =>
    api.call('PUT', `/v3/files/${hash}`, { body, headers: type === undefined ? {} : { 'content-type': type } });

  it('stores once: 201, then 200 with the same answer', async () => {
    const api = await start();
    const first = await put(api, 'hello', 'text/plain');
    expect(first.status).toBe(201);
    expect(first.json).toEqual({
      id: `sha256:${HASH}`,
      sha256: HASH,
      bytes: 5,
      content_type: 'text/plain',
      created_at: expect.any(String),
    });
    expect(await put(api, 'hello', 'text/plain')).toMatchObject({ status: 200, json: first.json });
    expect(await put(api, 'hello', 'text/markdown')).toMatchObject({
      status: 200,
      json: { content_type: 'text/markdown', created_at: first.json['created_at'] },
    });
  });

  it.each([
    ['a hash that is not one', 'hello', 'text/plain', 'ABC', 400, 'VALIDATION'],
    ['no content type', Buffer.from('hello'), undefined, HASH, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['an unsupported content type', 'hello', 'image/png', HASH, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['an unknown charset', 'hello', 'text/plain; charset=klingon', HASH, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['other bytes than the hash says', 'hallo', 'text/plain', HASH, 422, 'HASH_MISMATCH'],
    ['more bytes than allowed', 'x'.repeat(101), 'text/plain', HASH, 413, 'PAYLOAD_TOO_LARGE'],
  ])('refuses %s', async (_name, body, type, hash, status, code) => {
    const api = await start({ maxFileBytes: 100 });
    expect(await put(api, body, type, hash)).toMatchObject({ status, json: { error: { code } } });
  });

  it('counts a body of unannounced length while it arrives', async () => {
    const api = await start({ maxFileBytes: 1_000_000 });
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(65_536)),
    });
    // Either the answer gets through or the connection is cut while the caller is still sending.
    await fetch(`${api.sandbox.url}/v3/files/${HASH}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${await token(api.sandbox)}`, 'content-type': 'text/plain' },
      body: endless,
      duplex: 'half',
    }).catch(() => undefined);
    await until(() => api.sandbox.requests({ method: 'PUT' })[0]?.status === 413);
    expect((await api.call('GET', '/v3/jobs')).status).toBe(200);
  });
});

describe('POST /v3/jobs', () => {
  it('accepts a job with its id, its place, and everything it was given', async () => {
    const api = await start({ ...slow, costMicros: 12_345 });
    const input = await api.upload(Buffer.from('text'));
    const reply = await api.submit(input, { reference: 'order-7', callback_url: 'http://127.0.0.1:9/hook' }, 'key-1');
    expect(reply.status).toBe(202);
    expect(reply.headers.get('location')).toBe(`/v3/jobs/${String(reply.json['id'])}`);
    expect(reply.headers.get('idempotent-replayed')).toBeNull();
    expect(reply.json).toEqual({
      id: expect.stringMatching(/^job_[0-9a-z]{22}$/),
      status: 'PROCESSING',
      reference: 'order-7',
      input,
      options: { format: 'text' },
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      updated_at: reply.json['created_at'],
      cost_micros: 12_345,
      result: null,
      error: null,
    });
    expect(api.sandbox.requests({ method: 'POST', accepted: true })).toMatchObject([
      { path: '/v3/jobs', key: 'key-1', status: 202, accepted: true, replayed: false, faults: '' },
    ]);
  });

  const valid = { input: `sha256:${'0'.repeat(64)}`, options: { format: 'text' } };
  it.each([
    ['no JSON', '{', 'body'],
    ['no object', '[]', 'body'],
    ['no input', { options: valid.options }, 'input'],
    ['an input that is no hash', { ...valid, input: 'sample.pdf' }, 'input'],
    ['no options', { input: valid.input }, 'options'],
    ['an unknown format', { ...valid, options: { format: 'docx' } }, 'options.format'],
    ['an unknown option', { ...valid, options: { format: 'text', ocr: true } }, 'options.ocr'],
    ['an unknown field', { ...valid, priority: 1 }, 'priority'],
    ['a callback that is no URL', { ...valid, callback_url: 'nowhere' }, 'callback_url'],
    ['a callback over ftp', { ...valid, callback_url: 'ftp://example.com' }, 'callback_url'],
    ['an empty reference', { ...valid, reference: '' }, 'reference'],
  ])('answers 400 VALIDATION naming the field for %s', async (_name, body, field) => {
    const api = await start();
    const reply = await api.call('POST', '/v3/jobs', {
      headers: { ...JSON_TYPE, 'idempotency-key': 'k' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    expect(reply).toMatchObject({ status: 400, json: { error: { code: 'VALIDATION', field } } });
    expect((reply.json['error'] as Json)['message']).toMatch(new RegExp(`^${field}: `));
  });

  it('answers 400 for a file nobody uploaded, 415 for another content type, 413 for a huge body', async () => {
    const api = await start();
    expect(await api.submit(valid.input)).toMatchObject({
      status: 400,
      json: { error: { code: 'INPUT_NOT_FOUND', field: 'input' } },
    });
    const key = { 'idempotency-key': 'k' };
    expect((await api.call('POST', '/v3/jobs', { headers: key, body: 'x' })).status).toBe(415);
    expect((await api.call('POST', '/v3/jobs', { headers: key })).status).toBe(415);
    expect((await api.submit('x'.repeat(70_000))).status).toBe(413);
  });

  it('works as a whole: processed, fetched, listed', async () => {
    const api = await start();
    const job = await api.process(Buffer.from('hello'));
    expect(job).toMatchObject({ status: 'COMPLETED', result: { text: 'hello', bytes: 5 }, error: null });
    expect(Date.parse(String(job['updated_at']))).toBeGreaterThanOrEqual(Date.parse(String(job['created_at'])));
    const { json } = await api.call('GET', '/v3/jobs?status=COMPLETED');
    expect(ids(json)).toEqual([job['id']]);
    expect((json['data'] as Json[])[0]?.['result']).not.toHaveProperty('text');
  });

  it('takes a simulated time between minMs and maxMs', async () => {
    const api = await start({ processing: { minMs: 120, maxMs: 140 } });
    const startedMs = Date.now();
    await api.process(Buffer.from('hello'));
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(100);
  });
});

describe('Idempotency-Key', () => {
  it('gives the same stored answer for the same key and body, whatever the order of fields and quotes', async () => {
    const api = await start();
    const input = await api.upload(Buffer.from('once'));
    const first = await api.submit(input, { reference: 'r' }, 'key');
    await api.ended(first.json['id']);
    const again = await api.call('POST', '/v3/jobs', {
      headers: { ...JSON_TYPE, 'idempotency-key': '"key"' },
      body: JSON.stringify({ reference: 'r', options: { format: 'text' }, input }),
    });
    expect(again).toMatchObject({ status: 202, json: first.json });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(api.sandbox.requests({ method: 'POST', path: (path) => path === '/v3/jobs' })).toMatchObject([
      { key: 'key', accepted: true, replayed: false },
      { key: 'key', accepted: false, replayed: true },
    ]);
  });

  it('refuses the same key with another body: 422', async () => {
    const api = await start();
    await api.submit(await api.upload(Buffer.from('a')), {}, 'key');
    expect(await api.submit(await api.upload(Buffer.from('b')), {}, 'key')).toMatchObject({
      status: 422,
      json: { error: { code: 'IDEMPOTENCY_KEY_REUSED' } },
    });
  });

  it('refuses the same key while the first request is under way: 409, and holds nothing once it is over', async () => {
    const api = await start();
    const input = await api.upload(Buffer.from('a'));
    api.sandbox.faults({ rules: [{ kind: 'latency', path: '/v3/jobs', at: 'inside', ms: 1_000, count: 1 }] });
    const slowOne = api.submit(input, {}, 'key');
    await until(() => api.sandbox.requests({ method: 'POST' }).some((entry) => entry.path === '/v3/jobs'));
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    expect(await api.submit(input, {}, 'key')).toMatchObject({
      status: 409,
      json: { error: { code: 'IDEMPOTENCY_KEY_IN_USE' } },
    });
    const { json } = await slowOne;
    expect(await api.submit(input, {}, 'key')).toMatchObject({ status: 202, json: { id: json['id'] } });
  });

  it('is required and has at most 255 characters', async () => {
    const api = await start();
    const body = JSON.stringify({ input: await api.upload(Buffer.from('a')), options: { format: 'text' } });
    for (const key of [undefined, '""']) {
      const headers = { ...JSON_TYPE, ...(key === undefined ? {} : { 'idempotency-key': key }) };
      expect(await api.call('POST', '/v3/jobs', { headers, body })).toMatchObject({
        status: 400,
        json: { error: { code: 'IDEMPOTENCY_KEY_MISSING', field: 'Idempotency-Key' } },
      });
    }
    expect(await api.submit('x', {}, 'k'.repeat(256))).toMatchObject({
      status: 400,
      json: { error: { code: 'VALIDATION', field: 'Idempotency-Key' } },
    });
  });

  it('is forgotten after its lifetime', async () => {
    const api = await start({ idempotencyTtlMs: 1 });
    const input = await api.upload(Buffer.from('a'));
    const first = await api.submit(input, {}, 'key');
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    expect((await api.submit(input, {}, 'key')).json['id']).not.toBe(first.json['id']);
  });
});

const putJob = (api: Caller, id: string, input: string, more: Json = {}) =>
  api.call('PUT', `/v3/jobs/${id}`, {
    headers: JSON_TYPE,
    body: JSON.stringify({ input, options: { format: 'text' }, ...more }),
  });

describe('a client that chooses the id', () => {
  it('may repeat itself, but not contradict itself', async () => {
    const api = await start({ idempotency: 'put-id' });
    const input = await api.upload(Buffer.from('a'));
    const more = { reference: 'r', callback_url: 'http://127.0.0.1:9/' };
    expect(await putJob(api, 'mine-1', input, more)).toMatchObject({ status: 202, json: { id: 'mine-1' } });
    await api.ended('mine-1');
    expect(await putJob(api, 'mine-1', input, more)).toMatchObject({ status: 202, json: { id: 'mine-1' } });
    expect(await putJob(api, 'mine-1', input)).toMatchObject({ status: 409, json: { error: { code: 'ID_CONFLICT' } } });
    expect(await putJob(api, 'no%20id', input)).toMatchObject({ status: 400, json: { error: { field: 'id' } } });
    expect((await putJob(api, 'bad%zz', input)).status).toBe(404);
    expect((await api.call('POST', '/v3/jobs')).status).toBe(405);
    expect((await api.call('GET', '/v3/artifacts/art_mine-1')).text).toBe('a');
    expect(api.sandbox.requests({ method: 'PUT', path: (path) => path === '/v3/jobs/mine-1' })).toMatchObject([
      { key: 'mine-1', accepted: true },
      { key: 'mine-1', replayed: true },
      { key: 'mine-1', status: 409 },
    ]);
  });
});

describe('a service without idempotency', () => {
  it('makes a job of every request', async () => {
    const api = await start({ idempotency: 'none' });
    const input = await api.upload(Buffer.from('a'));
    const [one, two] = [await api.submit(input, {}, 'key'), await api.submit(input, {}, 'key')];
    expect(one.json['id']).not.toBe(two.json['id']);
  });
});

const submitMany = async (api: Caller, count: number, more: Json = {}): Promise<unknown[]> => {
  const input = await api.upload(Buffer.from('a'));
  const made: unknown[] = [];
  for (let index = 0; index < count; index += 1) made.push((await api.submit(input, more)).json['id']);
  return made;
};

describe('GET /v3/jobs', () => {
  it('pages by cursor through everything once', async () => {
    const api = await start(slow);
    const made = await submitMany(api, 5);
    const first = (await api.call('GET', '/v3/jobs?limit=2')).json;
    expect(first).toMatchObject({ has_more: true, next_cursor: expect.any(String) });
    const second = (await api.call('GET', `/v3/jobs?limit=2&cursor=${String(first['next_cursor'])}`)).json;
    const third = (await api.call('GET', `/v3/jobs?limit=2&cursor=${String(second['next_cursor'])}`)).json;
    expect(third).toMatchObject({ has_more: false, next_cursor: null });
    expect([first, second, third].flatMap(ids)).toEqual(made);
  });

  it('never skips a job because others move meanwhile', async () => {
    const api = await start(slow);
    const made = await submitMany(api, 6);
    const seen = new Set<unknown>();
    let cursor: string | null = '';
    for (let page = 0; page < 10 && cursor !== null; page += 1) {
      const { json } = await api.call('GET', `/v3/jobs?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      for (const id of ids(json)) seen.add(id);
      cursor = json['next_cursor'] as string | null;
      if (page < 2) await api.call('POST', `/v3/jobs/${String(made[page])}/cancel`);
    }
    expect(sorted(seen)).toEqual(sorted(made));
  });

  it('filters by status, reference and time of change', async () => {
    const api = await start(slow);
    const [one, two] = await submitMany(api, 2);
    const [three] = await submitMany(api, 1, { reference: 'mine' });
    const before = (await api.call('GET', `/v3/jobs/${String(three)}`)).json['updated_at'];
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    await api.call('POST', `/v3/jobs/${String(one)}/cancel`);
    const list = async (query: string): Promise<unknown[]> => ids((await api.call('GET', `/v3/jobs?${query}`)).json);
    expect(await list('status=CANCELED')).toEqual([one]);
    expect(await list('status=PROCESSING')).toEqual([two, three]);
    expect(await list('reference=mine')).toEqual([three]);
    expect(await list(`updated_after=${String(before)}`)).toEqual([one]);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['status=DONE', 'status'],
    ['cursor=made-up', 'cursor'],
    ['updated_after=yesterday', 'updated_after'],
    ['updated_after=2026-13-41T00:00:00Z', 'updated_after'],
    ['offset=3', 'offset'],
  ])('answers 400 to ?%s', async (query, field) => {
    const api = await start();
    expect(await api.call('GET', `/v3/jobs?${query}`)).toMatchObject({
      status: 400,
      json: { error: { code: 'VALIDATION', field } },
    });
  });
});

describe('POST /v3/jobs/{id}/cancel', () => {
  it('cancels what is under way, again if asked again, and not what has ended', async () => {
    const api = await start({ processing: { minMs: 100, maxMs: 100 } });
    const input = await api.upload(Buffer.from('a'));
    const id = String((await api.submit(input)).json['id']);
    const canceled = await api.call('POST', `/v3/jobs/${id}/cancel`);
    expect(canceled).toMatchObject({ status: 200, json: { status: 'CANCELED', result: null, error: null } });
    expect(await api.call('POST', `/v3/jobs/${id}/cancel`)).toMatchObject({ status: 200, json: canceled.json });
    const done = await api.ended((await api.submit(input)).json['id']);
    expect(await api.call('POST', `/v3/jobs/${String(done['id'])}/cancel`)).toMatchObject({
      status: 409,
      json: { error: { code: 'JOB_ALREADY_FINISHED', message: expect.stringContaining('COMPLETED') } },
    });
    expect((await api.call('GET', `/v3/jobs/${id}`)).json['status']).toBe('CANCELED');
  });
});

describe('what is not there', () => {
  it.each([
    ['GET', '/', 404],
    ['GET', '/v3/jobs/', 404],
    ['GET', '/v3/jobs/job_none', 404],
    ['POST', '/v3/jobs/job_none/cancel', 404],
    ['GET', '/v3/artifacts/art_none', 404],
    ['GET', '/_sandbox/nothing', 404],
    ['PUT', '/v3/jobs', 405],
    ['DELETE', '/_sandbox/stats', 405],
  ])('%s %s is answered %i, with Date and an error body', async (method, path, status) => {
    const api = await start();
    const reply = await api.call(method, path);
    expect(reply.status).toBe(status);
    expect(reply.json).toEqual({ error: { code: expect.any(String), message: expect.any(String) } });
    expect(Math.abs(Date.parse(String(reply.headers.get('date'))) - Date.now())).toBeLessThan(5_000);
    expect(reply.headers.has('allow')).toBe(status === 405);
  });
});
