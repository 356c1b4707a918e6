import { afterEach, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { createRedactor } from '../../src/logging/redactor.ts';
import type { HarEntry } from '../../src/proof/har.ts';
import { startReplayServer } from '../../src/proof/replay-server.ts';
import type { ReplayServer, ReplayServerOptions } from '../../src/proof/replay-server.ts';
import { createSanitizer } from '../../src/proof/sanitizer.ts';
import { scriptOf } from '../../src/proof/script.ts';
import { entry, harOf } from './support.ts';

let server: ReplayServer;
afterEach(() => server.close());

async function start(
  entries: readonly HarEntry[],
  sendWebhook: ReplayServerOptions['sendWebhook'] = async () => undefined,
): Promise<void> {
  server = await startReplayServer({
    integration: docproc,
    script: scriptOf(harOf(entries)),
    sanitizer: createSanitizer(createRedactor().text),
    origin: 'https://api.example.com',
    tokenPath: '/oauth/token',
    sendWebhook,
  });
}

const call = (method: string, path: string, body?: string | Uint8Array, type = 'application/json'): Promise<Response> =>
  fetch(`${server.url}${path}`, { method, ...(body === undefined ? {} : { body, headers: { 'content-type': type } }) });

/** What was asked with Node's own headers. */
const NODE = ['accept', 'accept-language', 'sec-fetch-mode'].map((name) => ({ name, value: '[redacted]' }));
const JSON_TYPE = { name: 'content-type', value: 'application/json' };
const get = (ms: number, more: Partial<HarEntry> = {}): HarEntry => ({
  ...entry('poll', 'GET', 'https://api.example.com/v3/jobs/1', { headers: NODE }, {}, { ms }),
  ...more,
});

describe('the replaying service', () => {
  it('answers as was recorded, without what belongs to a connection or is not known', async () => {
    const answered = get(1);
    const headers = [
      { name: 'retry-after', value: '7' },
      { name: 'date', value: 'long ago' },
      { name: 'x-secret', value: '[redacted]' },
    ];
    await start([
      {
        ...answered,
        response: { ...answered.response, status: 429, headers, content: { size: 2, mimeType: 'a', text: '{}' } },
      },
    ]);
    const answer = await call('GET', '/v3/jobs/1');
    expect([
      answer.status,
      await answer.text(),
      answer.headers.get('retry-after'),
      answer.headers.get('x-secret'),
    ]).toEqual([429, '{}', '7', null]);
    expect(answer.headers.get('date')).not.toBe('long ago');
    expect([server.answered(), server.differences]).toEqual([1, []]);
  });

  it('breaks off where no answer had come', async () => {
    await start([get(1, { _playbook: { kind: 'poll', failure: { code: 'SERVICE_UNAVAILABLE', arrival: 'maybe' } } })]);
    await expect(call('GET', '/v3/jobs/1')).rejects.toThrow('fetch failed');
    expect(server.differences).toEqual([]);
  });

  it('reads bodies that were kept, and counts those that were streamed', async () => {
    const sent = { headers: [...NODE, JSON_TYPE], postData: { mimeType: 'application/json', text: '{"a":1}' } };
    await start([
      entry('submit', 'POST', 'https://api.example.com/v3/jobs', sent, {}, { ms: 1 }),
      entry(
        'upload',
        'PUT',
        'https://api.example.com/v3/files/1',
        { headers: [...NODE, JSON_TYPE], bodySize: 5 },
        { streamed: true },
        { ms: 2 },
      ),
    ]);
    await call('POST', '/v3/jobs', '{"a":2}');
    await call('PUT', '/v3/files/1', Buffer.alloc(6));
    expect(server.differences).toEqual([
      'request 1 (POST /v3/jobs): body.a is 2, recorded was 1',
      'request 2 (PUT /v3/files/1): the body has 6 bytes, recorded were 5',
    ]);
  });

  it('gives tokens out at any time, and compares what is asked for', async () => {
    const form = (text: string) => ({
      headers: [...NODE, { name: 'content-type', value: 'application/x-www-form-urlencoded' }],
      postData: { mimeType: 'application/x-www-form-urlencoded', text },
    });
    const recorded = entry('token', 'POST', 'https://auth.example.com/oauth/token', form('scope=a'), {}, { ms: 1 });
    const content = { size: 1, mimeType: 'application/json', text: '{"access_token":"[redacted]","scope":"a"}' };
    await start([{ ...recorded, response: { ...recorded.response, content } }, get(2)]);
    const granted = await call('POST', '/oauth/token', 'scope=a', 'application/x-www-form-urlencoded');
    expect(await granted.json()).toEqual({
      access_token: 'replayed-token',
      expires_in: 3600,
      scope: 'a',
      token_type: 'Bearer',
    });
    await call('POST', '/oauth/token', 'scope=b', 'application/x-www-form-urlencoded');
    expect(server.differences).toEqual(['token request: the body is "scope=b", recorded was "scope=a"']);
    await server.close();
    await start([get(2)]);
    await call('POST', '/oauth/token', 'scope=a', 'application/x-www-form-urlencoded');
    expect(server.differences).toEqual(['a token is asked for (POST /oauth/token); none was in the recording']);
  });

  it('sends each webhook where it came, and is lost when one is not taken', async () => {
    const order: string[] = [];
    const hook = (name: string, ms: number): HarEntry =>
      entry('webhook', 'POST', `https://hooks/${name}`, {}, {}, { ms });
    await start([get(1, { time: 10 }), hook('early', 5), hook('late', 15), get(20)], async (webhook, received) => {
      order.push(webhook.request.url);
      expect(received).toContain('/v3/jobs/1');
      return webhook.request.url.endsWith('late') ? 'the late one is refused' : undefined;
    });
    await call('GET', '/v3/jobs/1');
    await server.lost;
    expect(order).toEqual(['https://hooks/early', 'https://hooks/late']);
    expect(server.differences).toEqual(['the late one is refused']);
  });

  it.each([
    ['GET', '/v3/other', 'request 1 should be GET /v3/jobs/1, but it is GET /v3/other, which was not recorded'],
    [
      'DELETE',
      '/v3/jobs/2',
      'request 1 should be GET /v3/jobs/1, but it is DELETE /v3/jobs/2, which was recorded as request 2: another order',
    ],
  ])('is lost at %s %s, and says so once', async (method, path, difference) => {
    await start([get(1), entry('cancel', 'DELETE', 'https://api.example.com/v3/jobs/2', {}, {}, { ms: 2 })]);
    expect((await call(method, path)).status).toBe(503);
    await call(method, path);
    await server.lost;
    expect(server.differences).toEqual([difference]);
  });

  it('says when its own part fails, and when more is asked than was recorded', async () => {
    await start([get(1, { time: 10 }), entry('webhook', 'POST', 'https://hooks/a', {}, {}, { ms: 2 })], async () => {
      throw new Error('no receiver');
    });
    await expect(call('GET', '/v3/jobs/1')).rejects.toThrow('fetch failed');
    await server.lost;
    expect(server.differences).toEqual(['the replay itself failed: no receiver']);
    await call('GET', '/v3/jobs/1');
    expect(server.differences.at(-1)).toBe('GET /v3/jobs/1 comes after the last recorded request');
  });
});
