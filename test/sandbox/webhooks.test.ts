import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parseRetryAfter } from '../../src/sandbox/webhooks/post.ts';
import { createHmacSigner, createStandardSigner } from '../../src/sandbox/webhooks/sign.ts';
import { collectGarbage } from '../helpers/collect-garbage.ts';
import { sorted, start, until } from './support/api.ts';
import type { Caller, Json } from './support/api.ts';
import { isGenuine, startReceiver } from './support/receiver.ts';

const submitTo = async (api: Caller, url: string, text = 'hello', more: Json = {}): Promise<unknown> =>
  (await api.submit(await api.upload(Buffer.from(text)), { callback_url: url, ...more })).json['id'];
const stats = async (api: Caller): Promise<Json> => (await api.control('GET', 'stats')).json['webhooks'] as Json;
/** Waits until every job has ended and every webhook has met its fate. */
const settled = (api: Caller): Promise<void> =>
  until(async () => {
    const { json } = await api.control('GET', 'stats');
    return (json['jobs'] as Json)['processing'] === undefined && (json['webhooks'] as Json)['pending'] === 0;
  });
const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

describe('a webhook', () => {
  it('tells of a completed job, signed over its bytes, with the result in it', async () => {
    const [api, receiver] = [await start(), await startReceiver()];
    const id = await submitTo(api, `${receiver.url}?token=t`, 'grüße', { reference: 'r-1' });
    await until(() => receiver.received.length === 1);
    const [webhook] = receiver.received;
    expect(webhook).toMatchObject({
      path: '/hook?token=t',
      headers: {
        'content-type': 'application/json',
        'webhook-id': expect.stringMatching(/^msg_[0-9a-z]{22}$/),
        'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
      },
      json: {
        type: 'job.completed',
        timestamp: expect.stringMatching(/Z$/),
        data: { id, status: 'COMPLETED', reference: 'r-1', result: { text: 'grüße' } },
      },
    });
    expect(webhook !== undefined && isGenuine(webhook)).toBe(true);
    expect(webhook?.json['data']).toEqual((await api.call('GET', `/v3/jobs/${String(id)}`)).json);
    await settled(api);
    expect(await stats(api)).toMatchObject({ delivered: 1, retried: 0 });
  });

  it('tells of a failed and of a canceled job, and of processing only if asked to', async () => {
    const api = await start({
      webhook: { events: ['job.processing', 'job.failed', 'job.canceled'] },
      processing: { minMs: 1_500, maxMs: 1_500 },
    });
    const receiver = await startReceiver();
    const canceled = await submitTo(api, receiver.url);
    await submitTo(api, receiver.url, '');
    await api.call('POST', `/v3/jobs/${String(canceled)}/cancel`);
    await until(() => receiver.received.length === 4);
    expect(sorted(receiver.received.map(({ json }) => json['type']))).toEqual([
      'job.canceled',
      'job.failed',
      'job.processing',
      'job.processing',
    ]);
    expect(receiver.received.every(isGenuine)).toBe(true);
  });

  it('leaves a text that would make it large to a GET', async () => {
    const [api, receiver] = [await start(), await startReceiver()];
    const id = await submitTo(api, receiver.url, 'x'.repeat(25_000));
    await until(() => receiver.received.length === 1);
    expect(receiver.received[0]?.body.length).toBeLessThan(20_000);
    expect(receiver.received[0]?.json).not.toHaveProperty('data.result.text');
    expect(receiver.received[0]?.json).toHaveProperty('data.result.artifact_url');
    expect((await api.call('GET', `/v3/jobs/${String(id)}`)).json['result']).toHaveProperty('text');
  });

  it('is sent again under the same id until it is taken', async () => {
    const api = await start();
    const receiver = await startReceiver((index) => ({ status: index < 2 ? 500 : 200 }));
    await submitTo(api, receiver.url);
    await settled(api);
    expect(receiver.received).toHaveLength(3);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(receiver.received.every(isGenuine)).toBe(true);
    const [first = 0, second = 0, third = 0] = receiver.received.map(({ atMs }) => atMs);
    expect(second - first).toBeGreaterThanOrEqual(19);
    expect(third - second).toBeGreaterThanOrEqual(39);
    expect(await stats(api)).toMatchObject({ delivered: 1, retried: 2 });
  });

  it('is given up after the last retry', async () => {
    const warnings: string[] = [];
    const api = await start({
      webhookRetry: { delaysMs: [5] },
      logger: { info: () => undefined, warn: (_fields, message) => void warnings.push(message) },
    });
    const receiver = await startReceiver(() => ({ status: 302, headers: { location: '/elsewhere' } }));
    await submitTo(api, receiver.url);
    await settled(api);
    expect(receiver.received).toHaveLength(2);
    expect(await stats(api)).toMatchObject({ gaveUp: 1, delivered: 0 });
    expect(warnings).toEqual(['webhook given up']);
  });

  it('waits as long as Retry-After says', async () => {
    const api = await start();
    const receiver = await startReceiver((index) =>
      index === 0 ? { status: 503, headers: { 'retry-after': '1' } } : { status: 200 },
    );
    await submitTo(api, receiver.url);
    await until(() => receiver.received.length === 2);
    expect((receiver.received[1]?.atMs ?? 0) - (receiver.received[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(900);
  });

  it('is never sent again to an endpoint that is gone', async () => {
    const api = await start();
    const receiver = await startReceiver(() => ({ status: 410 }));
    await submitTo(api, receiver.url);
    await settled(api);
    await submitTo(api, receiver.url);
    await until(async () => (await stats(api))['gone'] === 2);
    expect(receiver.received).toHaveLength(1);
  });

  it('does not wait for ever for an answer, and survives a refused connection', async () => {
    const api = await start({ webhookRetry: { delaysMs: [5], timeoutMs: 3_000 } });
    const receiver = await startReceiver((index) => (index === 0 ? null : { status: 200 }));
    await submitTo(api, receiver.url);
    await submitTo(api, 'https://127.0.0.1:9/hook');
    await until(async () => {
      collectGarbage(); // a timeout that nothing holds on to would be gone
      return (await stats(api))['delivered'] === 1 && (await stats(api))['gaveUp'] === 1;
    });
    expect(receiver.received).toHaveLength(2);
  });

  it('does not keep others waiting beyond the number sent at once', async () => {
    const api = await start({ webhookRetry: { maxConcurrent: 1, timeoutMs: 400, delaysMs: [] } });
    const receiver = await startReceiver((index) => (index === 0 ? null : { status: 200 }));
    await submitTo(api, receiver.url);
    await until(() => receiver.received.length === 1);
    await submitTo(api, receiver.url);
    await settled(api);
    expect((receiver.received[1]?.atMs ?? 0) - (receiver.received[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(250);
  });
});

describe('webhook faults', () => {
  it('drop', async () => {
    const [api, receiver] = [await start(), await startReceiver()];
    api.sandbox.faults({ rules: [{ kind: 'webhook-drop', event: 'job.completed', count: 1 }] });
    await submitTo(api, receiver.url);
    await settled(api);
    await submitTo(api, receiver.url, 'second');
    await settled(api);
    await until(async () => (await stats(api))['delivered'] === 1);
    expect(await stats(api)).toMatchObject({ dropped: 1, delivered: 1 });
    expect(receiver.received).toHaveLength(1);
  });

  it('delay', async () => {
    const [api, receiver] = [await start(), await startReceiver()];
    api.sandbox.faults({ rules: [{ kind: 'webhook-delay', ms: 800 }] });
    const id = await submitTo(api, receiver.url);
    await api.ended(id);
    await pause(60);
    expect(receiver.received).toHaveLength(0);
    await until(() => receiver.received.length === 1);
  });

  it('duplicate under one id', async () => {
    const [api, receiver] = [await start(), await startReceiver()];
    api.sandbox.faults({ rules: [{ kind: 'webhook-duplicate', copies: 2 }] });
    await submitTo(api, receiver.url);
    await settled(api);
    expect(receiver.received).toHaveLength(3);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('reorder', async () => {
    const [api, receiver] = [await start({ webhook: { events: ['job.completed'] } }), await startReceiver()];
    api.sandbox.faults({ rules: [{ kind: 'webhook-reorder', withinMs: 300 }] });
    const ids: unknown[] = [];
    for (let index = 0; index < 12; index += 1) ids.push(await submitTo(api, receiver.url));
    await until(() => receiver.received.length === 12);
    const arrived = receiver.received.map(({ json }) => (json['data'] as Json)['id']);
    expect(arrived).not.toEqual(ids);
    expect(sorted(arrived)).toEqual(sorted(ids));
  });

  it('sign badly, and well again on the retry', async () => {
    const api = await start();
    const receiver = await startReceiver((index) => ({ status: index === 0 ? 401 : 200 }));
    api.sandbox.faults({ rules: [{ kind: 'webhook-bad-signature', count: 1 }] });
    await submitTo(api, receiver.url);
    await until(() => receiver.received.length === 2);
    expect(receiver.received.map(isGenuine)).toEqual([false, true]);
    expect(receiver.received[0]?.headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
  });

  it('shift the timestamp with the clock', async () => {
    const [api, receiver] = [await start(), await startReceiver()];
    api.sandbox.faults({ clockOffsetMs: 600_000 });
    await submitTo(api, receiver.url);
    await until(() => receiver.received.length === 1);
    expect(Number(receiver.received[0]?.headers['webhook-timestamp']) - Date.now() / 1_000).toBeCloseTo(600, -1);
    expect(receiver.received.every(isGenuine)).toBe(true);
  });
});

describe('createHmacSigner', () => {
  const form = {
    signatureHeader: 'X-Sig',
    prefix: 'sha256=',
    encoding: 'hex',
    template: '{timestamp}.{id}.{body}',
  } as const;
  const message = { id: 'e1', timestampS: 1_700_000_000, body: '{"a":1}' };

  it('signs what the template names, and says only what the scheme has a header for', () => {
    const mac = createHmac('sha256', 'key').update('1700000000.e1.{"a":1}').digest('hex');
    expect(createHmacSigner(form, 'key')(message)).toEqual({ 'x-sig': `sha256=${mac}` });
    expect(createHmacSigner({ ...form, idHeader: 'X-Id', timestampHeader: 'X-At' }, 'key')(message)).toEqual({
      'x-id': 'e1',
      'x-at': '1700000000',
      'x-sig': `sha256=${mac}`,
    });
  });

  it('forges in the right form', () => {
    const { 'x-sig': forged = '' } = createHmacSigner(form, 'key')(message, true);
    expect(forged).toMatch(/^sha256=[\da-f]{64}$/);
    expect(forged).not.toBe(createHmacSigner(form, 'key')(message)['x-sig']);
  });
});

describe('createStandardSigner', () => {
  it('makes the published signature', () => {
    const sign = createStandardSigner('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampS: 1_614_265_330, body: '{"test": 2432232314}' };
    expect(sign(message)).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });
});

describe('parseRetryAfter', () => {
  const nowMs = Date.parse('2026-11-23T12:00:00Z');
  it.each([
    [undefined, 0],
    ['3', 3_000],
    ['Mon, 23 Nov 2026 12:00:10 GMT', 10_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['99999999', 86_400_000],
    ['soon', 0],
  ])('reads %s as %i ms', (value, ms) => {
    expect(parseRetryAfter(value, nowMs)).toBe(ms);
  });
});
