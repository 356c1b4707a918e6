import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnySchema } from 'ajv/dist/2020.js';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { defaultClient } from '../../src/sandbox/index.ts';
import { callerOf, start, token, until } from './support/api.ts';
import type { Json, Reply } from './support/api.ts';
import { startReceiver } from './support/receiver.ts';

type Node = { readonly [key: string]: Node };

const path = new URL('../../integrations/docproc/schemas/openapi.yaml', import.meta.url);
const document = parse(readFileSync(path, 'utf8')) as Node;
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema({ $id: 'openapi', ...document });

const escape = (part: string): string => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
const pointer = (...parts: string[]): string => `openapi#/${parts.map(escape).join('/')}`;

/** Follows one `$ref` within the document, if the node is one. */
function follow(node: Node | undefined): Node | undefined {
  const reference = node?.['$ref'] as unknown as string | undefined;
  return reference === undefined
    ? node
    : reference
        .slice(2)
        .split('/')
        .reduce<Node | undefined>((at, part) => at?.[part], document);
}

function problems(schema: AnySchema, value: unknown): string[] {
  const validate = ajv.compile(schema);
  return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

const templates = Object.keys(document['paths'] ?? {});
const templateOf = (url: string): string =>
  templates.find((template) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(url.split('?')[0] ?? ''),
  ) ?? 'undocumented path';

const documented = templates.flatMap((template) =>
  Object.entries(document['paths']?.[template] ?? {}).flatMap(([method, operation]) =>
    Object.keys(operation['responses'] ?? {}).map((status) => `${method.toUpperCase()} ${template} ${status}`),
  ),
);

/** Checks a real answer against what is documented for its operation and status, and says which that was. */
function check(method: string, url: string, reply: Reply): string {
  const [template, verb, status] = [templateOf(url), method.toLowerCase(), String(reply.status)];
  const name = `${method} ${template} ${status}`;
  expect(documented).toContain(name);
  const response = follow(document['paths']?.[template]?.[verb]?.['responses']?.[status]);
  for (const [header, node] of Object.entries(response?.['headers'] ?? {})) {
    const { required, schema } = follow(node) ?? {};
    const value = reply.headers.get(header);
    const isFine = value === null ? required === undefined : ajv.compile(inDocument(schema))(value);
    expect([name, header, isFine]).toEqual([name, header, true]);
  }
  expect(reply.headers.get('date')).not.toBeNull();
  const type = reply.headers.get('content-type') ?? '';
  const content = response?.['content']?.[type];
  expect([name, type, content === undefined]).toEqual([name, type, false]);
  const base = ['paths', template, verb, 'responses', status];
  const direct = document['paths']?.[template]?.[verb]?.['responses']?.[status]?.['$ref'] as unknown as
    string | undefined;
  const at = direct === undefined ? base : direct.slice(2).split('/');
  const schema = content?.['schema'] === undefined ? true : { $ref: pointer(...at, 'content', type, 'schema') };
  expect([name, problems(schema, reply.json)]).toEqual([name, []]);
  return name;
}

/** Lets a header's schema refer into the document. */
const inDocument = (schema: Node | undefined): Json => {
  const reference = schema?.['$ref'] as unknown as string | undefined;
  return reference === undefined ? (schema as unknown as Json) : { $ref: `openapi${reference}` };
};

describe('the sandbox and its OpenAPI document', () => {
  it('agree on every documented answer of every operation, and the sandbox gives no other', async () => {
    const api = await start({ maxFileBytes: 100_000, processing: { minMs: 500, maxMs: 500 } });
    const reader = callerOf(api.sandbox, { authorization: `Bearer ${await token(api.sandbox, 'jobs.read')}` });
    const writer = callerOf(api.sandbox, { authorization: `Bearer ${await token(api.sandbox, 'jobs.write')}` });
    const seen = new Set<string>();
    const note = (method: string, url: string, reply: Reply): Reply => {
      seen.add(check(method, url, reply));
      return reply;
    };
    const call = async (method: string, url: string, options?: Parameters<typeof api.call>[2], by = api) =>
      note(method, url, await by.call(method, url, options));
    const submit = async (input: string, more?: Json, key?: string, by = api) =>
      note('POST', '/v3/jobs', await by.submit(input, more, key));
    const put = (hash: string, body: string, type: string, by = api) =>
      call('PUT', `/v3/files/${hash}`, { headers: { 'content-type': type }, body }, by);

    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const client = `client_id=${defaultClient.id}&client_secret=${defaultClient.secret}`;
    await call('POST', '/oauth/token', {
      headers: form,
      body: `${client}&grant_type=client_credentials`,
      anonymous: true,
    });
    await call('POST', '/oauth/token', { headers: form, body: client, anonymous: true });
    await call('POST', '/oauth/token', { headers: form, body: 'client_id=x', anonymous: true });

    const input = await api.upload(Buffer.from('hello'));
    const hash = input.slice(7);
    const other = await api.upload(Buffer.from('other'));
    await put(hash, 'hello', 'text/plain');
    await put('486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7', 'world', 'text/plain');
    await put('no-hash', 'hello', 'text/plain');
    await put(hash, 'hallo', 'text/plain');
    await put(hash, 'hello', 'image/png');
    await put(hash, 'x'.repeat(100_001), 'text/plain');
    await put(hash, 'hello', 'text/plain', reader);

    const receiver = await startReceiver();
    const callback = { callback_url: receiver.url };
    const first = await submit(input, callback, 'key');
    await submit(input, callback, 'key');
    await submit(other, {}, 'key');
    await submit('nonsense');
    await submit(`sha256:${'0'.repeat(64)}`);
    await submit('x'.repeat(70_000));
    await submit(input, {}, 'key', reader);
    await call('POST', '/v3/jobs', { headers: { 'idempotency-key': 'k' } });
    await call('POST', '/v3/jobs', { headers: { 'content-type': 'application/json' }, body: '{}' });
    api.sandbox.faults({ rules: [{ kind: 'latency', method: 'POST', ms: 1_000, at: 'inside', count: 1 }] });
    const slow = submit(input, {}, 'slow');
    await until(() => api.sandbox.requests({ method: 'POST' }).at(-1)?.key === 'slow');
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
    await submit(input, {}, 'slow');
    await slow;

    const id = String(first.json['id']);
    await call('GET', `/v3/jobs/${id}`);
    await api.ended(id);
    await call('GET', `/v3/jobs/${id}`);
    const failed = await submit(await api.upload(Buffer.alloc(0), 'application/pdf'), callback);
    await api.ended(failed.json['id']);
    await call('GET', `/v3/jobs/${String(failed.json['id'])}`);
    const asJson = await submit(input, { options: { format: 'json' } });
    await api.ended(asJson.json['id']);
    await call('GET', `/v3/artifacts/art_${String(asJson.json['id'])}`);
    await call('GET', `/v3/artifacts/art_${id}`);
    const canceled = await submit(input, callback);
    await call('POST', `/v3/jobs/${String(canceled.json['id'])}/cancel`);
    await call('POST', `/v3/jobs/${id}/cancel`);
    await call('GET', '/v3/jobs?limit=2');
    await call('GET', '/v3/jobs');
    await call('GET', '/v3/jobs?limit=0');

    await until(() => receiver.received.length === 3);
    for (const { json } of receiver.received) {
      expect(problems({ $ref: pointer('components', 'schemas', 'Event') }, json)).toEqual([]);
    }

    const everywhere = [
      ['PUT', `/v3/files/${hash}`],
      ['POST', '/v3/jobs'],
      ['GET', '/v3/jobs'],
      ['GET', '/v3/jobs/none'],
      ['POST', '/v3/jobs/none/cancel'],
      ['GET', '/v3/artifacts/none'],
    ] as const;
    for (const [method, url] of everywhere) {
      await call(method, url, { anonymous: true });
      await call(method, url, {}, method === 'GET' ? writer : reader);
      if (url.includes('none')) await call(method, url);
    }
    api.sandbox.faults({ rules: [{ kind: 'error', status: 503, retryAfterS: 1, count: everywhere.length }] });
    for (const [method, url] of everywhere) await call(method, url);
    api.sandbox.faults({ limit: { rate: 1, windowMs: 600_000 } });
    await api.call('GET', '/v3/jobs');
    for (const [method, url] of everywhere) await call(method, url);

    expect([...seen].toSorted()).toEqual(documented.toSorted());
  });

  it('would notice an answer that is not as documented', async () => {
    const api = await start();
    const { id } = await api.process(Buffer.from('a'));
    const url = `/v3/jobs/${String(id)}`;
    api.sandbox.faults({ rules: [{ kind: 'drift', status: 'ARCHIVED' }] });
    const reply = await api.call('GET', url);
    expect(() => check('GET', url, reply)).toThrow('/status');
  });
});
