import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/http/clock.ts';
import { createServiceClient } from '../../src/http/service-client.ts';
import type { Permit, RecordedExchange, ServiceClientOptions } from '../../src/http/service-client.ts';
import { RequestFailed } from '../../src/http/types.ts';
import type { Authenticator, OutboundRequest, Observation } from '../../src/http/types.ts';
import { bodyOf, createStage, never, sendJson } from './helpers.ts';

const stage = createStage();
afterEach(stage.clear);

const anonymous: Authenticator = {
  authorize: () => Promise.resolve({ headers: {}, credential: 'none' }),
  invalidate: () => false,
};

function clientFor(url: URL, more: Partial<ServiceClientOptions> = {}) {
  return createServiceClient({
    baseUrl: url.href,
    transport: stage.transport(),
    authenticator: anonymous,
    errorRules: [],
    userAgent: 'playbook-test',
    clock: systemClock,
    logger: { warn: () => {} },
    ...more,
  });
}

const get: OutboundRequest = { kind: 'poll', method: 'GET', path: '/v1/jobs/a%2Fb', repeatable: true };

async function failureOf(sending: Promise<unknown>) {
  const error: unknown = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RequestFailed)) throw new Error('expected RequestFailed', { cause: error });
  return error.failure;
}

const answering = (status: number, headers: Record<string, string>, body: string | Buffer = '') =>
  stage.http((_, response) => response.writeHead(status, headers).end(body));

const errorOf = (body: unknown) => (body as { error?: { code: string; message: string } }).error;

/** A service that takes one token only, and an authenticator that begins with another. */
const guarded = async (valid: string) => {
  const tokens: (string | undefined)[] = [];
  const invalidated: string[] = [];
  const server = await stage.http((request, response) => {
    tokens.push(request.headers.authorization);
    response.writeHead(request.headers.authorization === valid ? 200 : 401).end();
  });
  let current = 'old';
  const authenticator: Authenticator = {
    authorize: async () => ({ headers: { authorization: current }, credential: current }),
    invalidate: (credential) => {
      invalidated.push(credential);
      current = 'new';
      return credential === 'old';
    },
  };
  return { client: clientFor(server.url, { authenticator }), tokens, invalidated };
};

describe('a request that is answered', () => {
  it('arrives below the base path with query, JSON body, idempotency key and credentials', async () => {
    const seen: unknown[] = [];
    const server = await stage.http(async (request, response) => {
      const body = await bodyOf(request);
      const { authorization, 'user-agent': agent, 'content-type': type, 'idempotency-key': key } = request.headers;
      seen.push({ method: request.method, url: request.url, body, authorization, agent, type, key });
      sendJson(response, 202, { id: 'ext-1' });
    });
    const client = clientFor(new URL('/api/', server.url), {
      authenticator: {
        ...anonymous,
        authorize: async () => ({ headers: { authorization: 'Bearer t' }, credential: 't' }),
      },
      idempotencyHeader: { name: 'Idempotency-Key', quoted: true },
    });
    const answer = await client.send(
      {
        kind: 'submit',
        method: 'POST',
        path: '/v1/jobs',
        query: { mode: 'a&b', page: 2, none: undefined },
        json: { name: 'ä' },
        repeatable: true,
        idempotencyKey: 'k1',
      },
      never,
    );
    expect(answer).toMatchObject({ status: 202, json: { id: 'ext-1' } });
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/api/v1/jobs?mode=a%26b&page=2',
        body: '{"name":"ä"}',
        authorization: 'Bearer t',
        agent: 'playbook-test',
        type: 'application/json',
        key: '"k1"',
      },
    ]);
  });

  it('fails with the code of its status and what the service said', async () => {
    const server = await stage.http((_, response) =>
      sendJson(response, 422, { error: { code: 'bad_file', text: 'no\npages' } }),
    );
    const client = clientFor(server.url, {
      readError: (body) => {
        const { error } = body as { error: { code: string; text: string } };
        return { code: error.code, message: error.text };
      },
    });
    expect(await failureOf(client.send(get, never))).toEqual({
      code: 'VALIDATION',
      retryable: false,
      arrival: 'refused',
      throttled: false,
      status: 422,
      serviceCode: 'bad_file',
      message: 'The service answered 422 (bad_file: no pages).',
    });
  });
});

describe('an answer', () => {
  const json = { 'content-type': 'application/json' };
  it.each<[string, Record<string, string>, string, unknown]>([
    ['JSON', json, '{"a":1}', { a: 1 }],
    ['JSON with a charset', { 'content-type': 'application/json; charset=utf-8' }, '[1]', [1]],
    ['JSON of a kind', { 'content-type': 'application/problem+json' }, 'null', null],
    ['text', { 'content-type': 'text/plain' }, '{"a":1}', undefined],
    ['of no declared type', {}, '{"a":1}', undefined],
  ])('that is %s is parsed accordingly', async (_, headers, body, expected) => {
    const server = await answering(200, headers, body);
    const answer = await clientFor(server.url).send(get, never);
    expect(answer.json).toEqual(expected);
    expect(Buffer.from(answer.bytes).toString()).toBe(body);
  });

  it('of status 204 has no body to parse', async () => {
    const server = await answering(204, json);
    expect((await clientFor(server.url).send(get, never)).json).toBeUndefined();
  });

  it.each<[string, Record<string, string>, string | Buffer, string]>([
    ['broken JSON', json, '{"name":"Jane"', 'a body that is not the JSON it announced'],
    ['no JSON at all', json, '', 'a body that is not the JSON it announced'],
    ['JSON that is not UTF-8', json, Buffer.from([0x22, 0xff, 0x22]), 'a body that is not the JSON it announced'],
    ['compressed', { ...json, 'content-encoding': 'gzip' }, 'x', 'a compressed body, which was not asked for'],
  ])('that is %s breaks the contract, after the request was accepted', async (_, headers, body, problem) => {
    const server = await answering(200, headers, body);
    expect(await failureOf(clientFor(server.url).send(get, never))).toEqual({
      code: 'CONTRACT_VIOLATION',
      retryable: false,
      arrival: 'accepted',
      throttled: false,
      status: 200,
      message: `The service answered 200 with ${problem}.`,
    });
  });

  it('of 200 with a failure inside is a failure, by the integration’s rules', async () => {
    const server = await answering(200, json, '{"error":{"code":"job_not_found","message":"gone"}}');
    const client = clientFor(server.url, {
      failureIn2xx: errorOf,
      errorRules: [{ serviceCode: 'job_not_found', code: 'NOT_FOUND', retryable: false }],
    });
    expect(await failureOf(client.send(get, never))).toMatchObject({
      code: 'NOT_FOUND',
      message: 'The service answered 200 with a failure inside (job_not_found: gone).',
    });
  });

  it.each([200, 503])('of %d that the integration cannot read keeps its status', async (status) => {
    const server = await answering(status, json, 'null');
    const client = clientFor(server.url, { failureIn2xx: errorOf, readError: errorOf });
    const sending = client.send(get, never);
    const outcome = status === 200 ? (await sending).json : (await failureOf(sending)).message;
    expect(outcome).toBe(status === 200 ? null : 'The service answered 503.');
  });

  it.each([
    ['Bearer realm="api", error="insufficient_scope", scope="jobs:write"', 'SCOPE_MISSING', 'the scope "jobs:write"'],
    ['Bearer error=insufficient_scope', 'SCOPE_MISSING', 'a scope it does not name'],
    ['Bearer error="invalid_token"', 'AUTH_FAILED', '403'],
  ])('of 403 with %s is %s', async (challenge, code, named) => {
    const server = await answering(403, { 'www-authenticate': challenge });
    const failure = await failureOf(clientFor(server.url).send(get, never));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(named);
  });

  it('that is a redirect is a failure, and nothing is sent elsewhere', async () => {
    const elsewhere = await stage.http((_, response) => response.end());
    const server = await answering(302, { location: elsewhere.url.href });
    expect(await failureOf(clientFor(server.url).send(get, never))).toMatchObject({
      code: 'CONTRACT_VIOLATION',
      message: 'The service answered 302: a redirect, and redirects are not followed. Check service.base_url.',
    });
    expect(elsewhere.connections()).toBe(0);
  });

  it('with a Retry-After date is read by the service’s own clock', async () => {
    const server = await answering(429, {
      date: 'Mon, 23 Nov 2020 18:00:00 GMT',
      'retry-after': 'Mon, 23 Nov 2020 18:00:42 GMT',
    });
    expect(await failureOf(clientFor(server.url).send(get, never))).toMatchObject({
      code: 'THROTTLED',
      throttled: true,
      retryAfterMs: 42_000,
    });
  });

  it('that never comes says whether the request may have arrived, and keeps the cause', async () => {
    const server = await stage.tcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const error: unknown = await clientFor(server.url)
      .send(get, never)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      failure: { code: 'SERVICE_UNAVAILABLE', retryable: true, arrival: 'maybe', throttled: false },
      cause: { name: 'TransportError', problem: 'reset' },
    });
  });
});

describe('credentials', () => {
  it('that were refused are dropped, and the request is sent once more with others', async () => {
    const { client, tokens, invalidated } = await guarded('new');
    expect((await client.send(get, never)).status).toBe(200);
    expect(tokens).toEqual(['old', 'new']);
    expect(invalidated).toEqual(['old']);
  });

  it('that grew old while the request waited for leave are asked for anew', async () => {
    const server = await stage.http((request, response) => {
      sendJson(response, 200, { saw: request.headers.authorization ?? '' });
    });
    let asked = 0;
    let nowMs = 0;
    let waitMs = 0;
    const confirmed: string[] = [];
    const client = clientFor(server.url, {
      clock: { ...systemClock, monotonicMs: () => nowMs },
      authenticator: {
        authorize: async () => {
          asked += 1;
          return { headers: { authorization: `token ${asked}` }, credential: `c${asked}` };
        },
        invalidate: () => false,
        confirm: (credential) => confirmed.push(credential),
      },
      beforeSend: async () => {
        nowMs += waitMs;
        return {};
      },
    });
    expect((await client.send(get, never)).json).toEqual({ saw: 'token 1' });
    waitMs = 3_000;
    expect((await client.send(get, never)).json).toEqual({ saw: 'token 3' });
    expect(confirmed).toEqual(['c1', 'c3']);
  });

  it('refused twice are a failure for good', async () => {
    const { client, tokens, invalidated } = await guarded('none');
    expect(await failureOf(client.send(get, never))).toMatchObject({ code: 'AUTH_FAILED', retryable: false });
    expect(tokens).toEqual(['old', 'new']);
    expect(invalidated).toEqual(['old']);
  });

  it('refused on a request that must not be repeated here leave the repetition to the next attempt', async () => {
    const { client, tokens } = await guarded('new');
    expect(await failureOf(client.send({ ...get, method: 'POST', repeatable: false }, never))).toMatchObject({
      code: 'AUTH_FAILED',
      retryable: true,
      arrival: 'refused',
    });
    expect(tokens).toEqual(['old']);
  });

  it('that cannot be replaced are not tried again', async () => {
    let requests = 0;
    const server = await stage.http((_, response) => {
      requests += 1;
      response.writeHead(401).end();
    });
    expect(await failureOf(clientFor(server.url).send(get, never))).toMatchObject({
      code: 'AUTH_FAILED',
      retryable: false,
    });
    expect(requests).toBe(1);
  });

  it('see the exact bytes they are to sign', async () => {
    const server = await stage.http((_, response) => response.end());
    const signed: unknown[] = [];
    const client = clientFor(server.url, {
      authenticator: {
        ...anonymous,
        authorize: async ({ method, url, headers, body }) => {
          signed.push({
            method,
            path: url.pathname,
            type: headers['content-type'],
            body: Buffer.from(body ?? []).toString(),
          });
          return { headers: {}, credential: 'key' };
        },
      },
    });
    await client.send({ ...get, method: 'POST', path: '/x', json: { b: [1, 'é'] } }, never);
    expect(signed).toEqual([{ method: 'POST', path: '/x', type: 'application/json', body: '{"b":[1,"é"]}' }]);
  });
});

describe('an upload', () => {
  it.each([
    ['bytes', () => Buffer.from('content')],
    ['a stream', () => Readable.from([Buffer.from('con'), Buffer.from('tent')])],
  ])('of %s is sent with its length and type, and opened anew for the repetition after a 401', async (_, content) => {
    const seen: unknown[] = [];
    const server = await stage.http(async (request, response) => {
      const body = await bodyOf(request);
      seen.push([request.headers['content-length'], request.headers['content-type'], body]);
      response.writeHead(seen.length === 1 ? 401 : 201).end();
    });
    let opened = 0;
    const open = () => {
      opened += 1;
      return content();
    };
    const client = clientFor(server.url, { authenticator: { ...anonymous, invalidate: () => true } });
    const body = { open, bytes: 7, contentType: 'application/pdf' };
    const answer = await client.send(
      { kind: 'upload', method: 'PUT', path: '/files/1', body, repeatable: true },
      never,
    );
    expect(answer.status).toBe(201);
    expect(opened).toBe(2);
    expect(seen).toEqual([
      ['7', 'application/pdf', 'content'],
      ['7', 'application/pdf', 'content'],
    ]);
  });
});

describe('idempotency keys', () => {
  it.each([
    [undefined, undefined],
    [{ name: 'Idempotency-Key' }, 'k1'],
    [{ name: 'Idempotency-Key', quoted: true }, '"k1"'],
  ])('with %j travel as %s', async (idempotencyHeader, expected) => {
    const server = await stage.http((request, response) =>
      sendJson(response, 200, request.headers['idempotency-key'] ?? ''),
    );
    const answer = await clientFor(server.url, { idempotencyHeader }).send({ ...get, idempotencyKey: 'k1' }, never);
    expect(answer.json).toBe(expected ?? '');
  });
});

describe('who watches', () => {
  it('is told of every transmission: status, limits, the service’s clock, and what failed', async () => {
    let requests = 0;
    const server = await stage.http((_, response) => {
      requests += 1;
      response.writeHead(requests === 1 ? 401 : 200, { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '7' }).end();
    });
    const seen: Observation[] = [];
    const client = clientFor(server.url, {
      authenticator: { ...anonymous, invalidate: () => true },
      resetFormat: 'delta-ms',
      onResponse: (observation) => seen.push(observation),
    });
    await client.send(get, never);
    expect(seen).toMatchObject([
      { kind: 'poll', status: 401, failure: { code: 'AUTH_FAILED' }, limits: { remaining: 3, resetMs: 7 } },
      { kind: 'poll', status: 200, limits: { remaining: 3, resetMs: 7 } },
    ]);
    expect(seen[1]).not.toHaveProperty('failure');
    expect(Math.abs(seen[1]?.skew?.offsetMs ?? NaN)).toBeLessThan(1000);
    expect(seen[1]?.elapsedMs).toBeGreaterThan(0);
  });

  it('is told of transmissions nobody answered', async () => {
    const server = await stage.tcp((socket) => socket.once('data', () => socket.destroy()));
    const seen: Observation[] = [];
    await failureOf(clientFor(server.url, { onResponse: (observation) => seen.push(observation) }).send(get, never));
    expect(seen).toMatchObject([{ kind: 'poll', limits: {}, failure: { arrival: 'maybe' } }]);
    expect(seen[0]).not.toHaveProperty('status');
  });

  it('records both sides of an exchange, without the credentials', async () => {
    const server = await stage.http((_, response) => sendJson(response, 422, { error: 'no' }));
    const exchanges: RecordedExchange[] = [];
    const client = clientFor(new URL('/api', server.url), {
      authenticator: {
        ...anonymous,
        authorize: async () => ({ headers: { authorization: 'canary' }, credential: 'c' }),
      },
      recorder: (exchange) => exchanges.push(exchange),
    });
    await failureOf(client.send({ ...get, method: 'POST', path: '/jobs', query: { a: 1 }, json: { b: 2 } }, never));
    expect(exchanges).toMatchObject([
      {
        kind: 'poll',
        method: 'POST',
        path: '/api/jobs?a=1',
        requestHeaders: { 'content-type': 'application/json', 'user-agent': 'playbook-test' },
        requestBody: Buffer.from('{"b":2}'),
        answer: { status: 422, bytes: Buffer.from('{"error":"no"}') },
        failure: { code: 'VALIDATION' },
      },
    ]);
    expect(JSON.stringify(exchanges)).not.toContain('canary');
  });

  it('is warned once each time the clocks come apart', async () => {
    let date = 'Mon, 23 Nov 2020 18:00:00 GMT';
    let age: Record<string, string> = {};
    const server = await stage.http((_, response) => response.writeHead(200, { date, ...age }).end());
    const warnings: unknown[] = [];
    const clock = { nowMs: () => Date.UTC(2020, 10, 23, 18, 1, 40), monotonicMs: systemClock.monotonicMs };
    const client = clientFor(server.url, {
      transport: stage.transport({ clock }),
      logger: { warn: (_: unknown, text?: unknown) => void warnings.push(text) },
    });
    const send = async (times: number) => {
      for (let i = 0; i < times; i += 1) await client.send(get, never);
    };
    await send(2);
    expect(warnings).toEqual([
      "The service's clock shows 2020-11-23T18:00:00.500Z when ours shows 2020-11-23T18:01:40.000Z: 99.5 s behind, " +
        "more than the tolerance of 60.0 s. Check both clocks' synchronisation.",
    ]);
    date = 'Mon, 23 Nov 2020 18:01:39 GMT';
    await send(3);
    expect(warnings).toHaveLength(1);
    date = 'Mon, 23 Nov 2020 18:03:39 GMT';
    age = { age: '120' };
    await send(5);
    expect(warnings).toHaveLength(1);
    age = {};
    await send(3);
    expect(warnings).toHaveLength(2);
  });

  it('reads a date without a Date header by what was learned of the service’s clock', async () => {
    let requests = 0;
    const server = await stage.http((_, response) => {
      requests += 1;
      response.sendDate = false;
      if (requests === 1) response.writeHead(200, { date: 'Mon, 23 Nov 2020 18:00:00 GMT' }).end();
      else response.writeHead(429, { 'retry-after': 'Mon, 23 Nov 2020 18:00:30 GMT' }).end();
    });
    const clock = { nowMs: () => Date.UTC(2020, 10, 23, 12), monotonicMs: systemClock.monotonicMs };
    const client = clientFor(server.url, { transport: stage.transport({ clock }) });
    await client.send(get, never);
    expect((await failureOf(client.send(get, never))).retryAfterMs).toBe(29_500);
  });

  it('without any Date goes by our own clock', async () => {
    const server = await stage.http((_, response) => {
      response.sendDate = false;
      response.writeHead(429, { 'retry-after': 'Mon, 23 Nov 2020 18:00:30 GMT' }).end();
    });
    const clock = { nowMs: () => Date.UTC(2020, 10, 23, 18), monotonicMs: systemClock.monotonicMs };
    const client = clientFor(server.url, { transport: stage.transport({ clock }) });
    expect((await failureOf(client.send(get, never))).retryAfterMs).toBe(30_000);
  });
});

describe('a permit', () => {
  it('is asked for before every transmission and released after it, once', async () => {
    const events: string[] = [];
    const server = await stage.http((_, response) => {
      events.push('request');
      response.writeHead(401).end();
    });
    const client = clientFor(server.url, {
      authenticator: { ...anonymous, invalidate: () => true },
      beforeSend: async ({ kind }): Promise<Permit> => {
        events.push(`asked for ${kind}`);
        return {
          beforeWrite: () => void events.push('about to write'),
          release: (observation) => void events.push(`released after ${observation?.status}`),
        };
      },
    });
    await failureOf(client.send(get, never));
    const once = ['asked for poll', 'about to write', 'request', 'released after 401'];
    expect(events).toEqual([...once, ...once]);
  });

  it('withdrawn at the last moment withholds the request and says so unchanged', async () => {
    const server = await stage.http((_, response) => response.end());
    const shut = new Error('the gate is shut');
    const released: unknown[] = [];
    const seen: unknown[] = [];
    const client = clientFor(server.url, {
      onResponse: (observation) => seen.push(observation),
      beforeSend: async () => ({
        beforeWrite: () => {
          throw shut;
        },
        release: (observation) => released.push(observation),
      }),
    });
    await expect(client.send(get, never)).rejects.toBe(shut);
    expect(released).toEqual([undefined]);
    expect(seen).toEqual([]);
  });
});

it('close waits for what is under way and refuses what comes after', async () => {
  const server = await stage.http((_, response) => void setTimeout(() => response.end('late'), 50));
  const client = clientFor(server.url);
  const sending = client.send(get, never);
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  await client.close();
  await client.close();
  expect((await sending).status).toBe(200);
  expect(await failureOf(client.send(get, never))).toMatchObject({
    arrival: 'never',
    message: 'This transport has been closed.',
  });
});
