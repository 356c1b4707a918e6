import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { issueCallbackToken } from '../../src/definition/callback-token.ts';
import type { WebhookScheme } from '../../src/contracts/webhook-scheme.ts';
import { sign } from '../../src/webhooks/schemes/index.ts';
import { sendRaw } from './helpers/raw.ts';
import {
  NOW_MS,
  send,
  startTestReceiver,
  TOKEN_SECRET,
  webhookIntegration,
  webhookService,
} from './helpers/receiver.ts';
import type { TestReceiver, TestRequest } from './helpers/receiver.ts';

/** Every scheme as a service of its own, each with its own secret. */
const SCHEMES = {
  standard: { kind: 'standard-webhooks' },
  svix: { kind: 'standard-webhooks', headers: 'svix' },
  ed25519: { kind: 'standard-webhooks-ed25519' },
  stripe: { kind: 'stripe' },
  github: { kind: 'github' },
  slack: { kind: 'slack' },
  generic: {
    kind: 'hmac',
    signatureHeader: 'X-Signature',
    prefix: 'v2=',
    encoding: 'hex',
    template: '{id}|{timestamp}|{body}',
    idHeader: 'X-Id',
    timestampHeader: 'X-Time',
  },
} as const satisfies Record<string, WebhookScheme>;
type Service = keyof typeof SCHEMES;

const standardSecret = (fill: number): string => `whsec_${Buffer.alloc(32, fill).toString('base64')}`;
const SECRETS: Record<Service, string> = {
  standard: standardSecret(1),
  svix: standardSecret(2),
  ed25519: 'whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=',
  stripe: 'whsec_the_stripe_secret',
  github: 'the secret of github',
  slack: 'the secret of slack!',
  generic: 'the generic secret..',
};
const PRIVATE_KEY = `whsk_${Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64')}`;

const BODY = Buffer.from(JSON.stringify({ type: 'job.completed', data: { id: 'ext-1', reference: 'invoice-7~1' } }));
const MAX_BODY = 64 * 1024;
const NOW_S = NOW_MS / 1000;

interface Signed {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** A request this service would believe. */
function honest(
  service: Service,
  options: { body?: Buffer | string; id?: string; timestampMs?: number; secret?: string } = {},
): Signed {
  const { id = 'evt_1', timestampMs = NOW_MS } = options;
  const body = Buffer.from(options.body ?? BODY);
  const secret = options.secret ?? (service === 'ed25519' ? PRIVATE_KEY : SECRETS[service]);
  return { path: `/webhooks/${service}`, headers: sign(SCHEMES[service], secret, { id, timestampMs, body }), body };
}

/** The same with some headers changed or, as `undefined`, left out; `string[]` is a repeated line. */
function withHeaders(request: Signed, changes: Record<string, string | string[] | undefined>): TestRequest {
  const headers: Record<string, string | string[]> = { ...request.headers };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return { ...request, headers };
}

/** Signs a Standard Webhooks message whose parts need not be sane. */
function standardWith(id: string, timestamp: string, secretFill = 1, body: Buffer = BODY): TestRequest {
  const mac = createHmac('sha256', Buffer.alloc(32, secretFill)).update(`${id}.${timestamp}.`).update(body);
  const signature = `v1,${mac.digest('base64')}`;
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  return { path: '/webhooks/standard', headers, body };
}

const hex = (secret: string, content: string | Buffer, algorithm = 'sha256'): string =>
  createHmac(algorithm, secret).update(content).digest('hex');
const stripe = (header: string): TestRequest => ({
  path: '/webhooks/stripe',
  headers: { 'stripe-signature': header },
  body: BODY,
});
const v1 = (timestamp: string | number): string => hex(SECRETS.stripe, `${timestamp}.${BODY.toString()}`);
const signatureOf = (service: Service, name: string): string => honest(service).headers[name]!;
const standardSignature = signatureOf('standard', 'webhook-signature');

/** name, request, exact status */
const HTTP_CASES: readonly (readonly [string, TestRequest, number])[] = [
  // Route and method
  ['an unknown service', { path: '/webhooks/nobody', body: BODY }, 404],
  ['a service named like a property every object has', { path: '/webhooks/constructor', body: BODY }, 404],
  ['__proto__ as the service', { path: '/webhooks/__proto__', body: BODY }, 404],
  ['a path that climbs', { path: '/webhooks/../webhooks/standard', body: BODY }, 404],
  ['an encoded service name', { path: '/webhooks/%73tandard', body: BODY }, 404],
  ['a segment too many', { path: '/webhooks/standard/token/more', body: BODY }, 404],
  ['an empty token', { path: '/webhooks/standard/', body: BODY }, 404],
  ['the root', { path: '/', body: BODY }, 404],
  ['GET', { path: '/webhooks/standard', method: 'GET' }, 405],
  ['PUT with a good signature', { ...honest('standard'), method: 'PUT' }, 405],
  ['TRACE', { path: '/webhooks/standard', method: 'TRACE' }, 405],
  ['POST to the health check', { path: '/healthz', body: BODY }, 405],
  // Size and encoding
  ['a body over the cap, announced', { path: '/webhooks/standard', body: Buffer.alloc(MAX_BODY + 1) }, 413],
  [
    'a body over the cap, in chunks without length',
    { path: '/webhooks/standard', headers: { 'transfer-encoding': 'chunked' }, body: Buffer.alloc(2 * MAX_BODY) },
    413,
  ],
  ['a signed body over the cap', honest('standard', { body: `"${'x'.repeat(MAX_BODY)}"` }), 413],
  ...(
    [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
    ] as const
  ).map(
    ([encoding, compress]) =>
      [
        `a ${encoding} bomb`,
        {
          path: '/webhooks/standard',
          headers: { 'content-encoding': encoding },
          body: compress(Buffer.alloc(20 * 1024 * 1024)),
        },
        413,
      ] as const,
  ),
  [
    'bytes that only claim to be gzip',
    { path: '/webhooks/standard', headers: { 'content-encoding': 'gzip' }, body: BODY },
    400,
  ],
  [
    'truncated gzip',
    { path: '/webhooks/standard', headers: { 'content-encoding': 'gzip' }, body: gzipSync(BODY).subarray(0, -12) },
    400,
  ],
  ['an unknown encoding', { path: '/webhooks/standard', headers: { 'content-encoding': 'zstd' }, body: BODY }, 415],
  ['two encodings', { path: '/webhooks/standard', headers: { 'content-encoding': 'gzip, gzip' }, body: BODY }, 415],
  [
    'two encodings on two lines',
    { path: '/webhooks/standard', headers: { 'content-encoding': ['gzip', 'br'] }, body: BODY },
    415,
  ],
  [
    'a signature over the compressed bytes instead of the body',
    withHeaders(honest('standard', { body: gzipSync(BODY) }), { 'content-encoding': 'gzip' }),
    401,
  ],
  // Headers
  [
    'headers over their cap',
    { path: '/webhooks/standard', headers: { 'x-large': 'x'.repeat(20_000) }, body: BODY },
    431,
  ],
  [
    'more header lines than any sender needs',
    withHeaders(honest('standard'), Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`x-${n}`, 'x']))),
    431,
  ],
  // Standard Webhooks: headers
  ['no signature at all', { path: '/webhooks/standard', body: BODY }, 401],
  ['no id', withHeaders(honest('standard'), { 'webhook-id': undefined }), 401],
  ['no timestamp', withHeaders(honest('standard'), { 'webhook-timestamp': undefined }), 401],
  ['no signature header', withHeaders(honest('standard'), { 'webhook-signature': undefined }), 401],
  ['an empty signature', withHeaders(honest('standard'), { 'webhook-signature': '' }), 401],
  ['an empty entry', withHeaders(honest('standard'), { 'webhook-signature': 'v1,' }), 401],
  [
    'the signature header twice, good one first',
    withHeaders(honest('standard'), { 'webhook-signature': [standardSignature, 'v1,AAAA'] }),
    401,
  ],
  [
    'the signature header twice, good one last',
    withHeaders(honest('standard'), { 'webhook-signature': ['v1,AAAA', standardSignature] }),
    401,
  ],
  ['the timestamp twice', withHeaders(honest('standard'), { 'webhook-timestamp': [String(NOW_S), '1'] }), 401],
  ['the id twice', withHeaders(honest('standard'), { 'webhook-id': ['evt_1', 'evt_2'] }), 401],
  ['a short signature', withHeaders(honest('standard'), { 'webhook-signature': 'v1,AAAA' }), 401],
  ['a long signature', withHeaders(honest('standard'), { 'webhook-signature': `v1,${'A'.repeat(3000)}` }), 401],
  [
    'a signature header over 4 KB',
    withHeaders(honest('standard'), { 'webhook-signature': `${standardSignature} ${'v1,A '.repeat(1000)}` }),
    401,
  ],
  [
    '17 signatures, the good one first',
    withHeaders(honest('standard'), { 'webhook-signature': `${standardSignature}${' v1,A'.repeat(16)}` }),
    401,
  ],
  [
    'signatures joined by commas, as proxies join lines',
    withHeaders(honest('standard'), { 'webhook-signature': `v1,AAAA, ${standardSignature.slice(3)}` }),
    401,
  ],
  [
    'the signature without its version',
    withHeaders(honest('standard'), { 'webhook-signature': standardSignature.slice(3) }),
    401,
  ],
  [
    'the signature as another version',
    withHeaders(honest('standard'), { 'webhook-signature': standardSignature.replace('v1', 'v2') }),
    401,
  ],
  [
    'the version in capitals',
    withHeaders(honest('standard'), { 'webhook-signature': standardSignature.replace('v1', 'V1') }),
    401,
  ],
  [
    'base64 without its padding',
    withHeaders(honest('standard'), { 'webhook-signature': standardSignature.replace('=', '') }),
    401,
  ],
  ['junk after the padding', withHeaders(honest('standard'), { 'webhook-signature': `${standardSignature}=` }), 401],
  // Standard Webhooks: content
  ['a changed body', { ...honest('standard'), body: Buffer.from(`${BODY.toString()} `) }, 401],
  [
    'a re-serialised body',
    { ...honest('standard', { body: '{ "type": "job.completed" }' }), body: Buffer.from('{"type":"job.completed"}') },
    401,
  ],
  ['an empty body with the signature of another', { ...honest('standard'), body: '' }, 401],
  ['another event’s id', withHeaders(honest('standard'), { 'webhook-id': 'evt_2' }), 401],
  [
    'a renewed timestamp',
    withHeaders(honest('standard', { timestampMs: NOW_MS - 86_400_000 }), { 'webhook-timestamp': String(NOW_S) }),
    401,
  ],
  ['another tenant’s secret', honest('standard', { secret: SECRETS.svix }), 401],
  ['another service’s request', { ...honest('svix'), path: '/webhooks/standard' }, 401],
  [
    'a svix request under the other header names',
    withHeaders(honest('standard'), { 'webhook-id': undefined, 'svix-id': 'evt_1' }),
    401,
  ],
  [
    'the hash of an empty key',
    {
      ...standardWith('evt_1', String(NOW_S)),
      headers: {
        'webhook-id': 'evt_1',
        'webhook-timestamp': String(NOW_S),
        'webhook-signature': `v1,${createHmac('sha256', '').update(`evt_1.${NOW_S}.`).update(BODY).digest('base64')}`,
      },
    },
    401,
  ],
  [
    'the prefixed secret’s text as key',
    {
      ...honest('standard'),
      headers: {
        'webhook-id': 'evt_1',
        'webhook-timestamp': String(NOW_S),
        'webhook-signature': `v1,${createHmac('sha256', SECRETS.standard).update(`evt_1.${NOW_S}.`).update(BODY).digest('base64')}`,
      },
    },
    401,
  ],
  ['a dot in the id', standardWith('evt.1', String(NOW_S)), 401],
  ['a space in the id', standardWith('evt 1', String(NOW_S)), 401],
  ['an id that is too long', standardWith('x'.repeat(257), String(NOW_S)), 401],
  [
    'the same signed bytes, cut elsewhere',
    { ...standardWith('evt_1', String(NOW_S)), body: Buffer.concat([Buffer.from('.'), BODY]) },
    401,
  ],
  // Timestamps
  ['301 seconds ago', honest('standard', { timestampMs: NOW_MS - 301_000 }), 401],
  ['301 seconds ahead', honest('standard', { timestampMs: NOW_MS + 301_000 }), 401],
  ['a replay of last week', honest('standard', { timestampMs: NOW_MS - 7 * 86_400_000 }), 401],
  ...[
    'NaN',
    '1e9',
    '-1800000000',
    '+1800000000',
    `${NOW_MS}`,
    `0${NOW_S}`,
    `${NOW_S}junk`,
    `${NOW_S}.0`,
    '0x6b49d200',
    '0',
    'Infinity',
    '１８００００００００'.normalize('NFKC') + '٠',
  ].map(
    (text) =>
      [
        `a signed timestamp ${JSON.stringify(text)}`,
        standardWith('evt_1', Buffer.from(text).toString('latin1')),
        401,
      ] as const,
  ),
  // ed25519
  [
    'v1a checked as HMAC: the public key as secret',
    {
      ...honest('ed25519'),
      headers: {
        ...honest('ed25519').headers,
        'webhook-signature': `v1,${createHmac('sha256', Buffer.from(SECRETS.ed25519.slice(5), 'base64'))
          .update(`evt_1.${NOW_S}.`)
          .update(BODY)
          .digest('base64')}`,
      },
    },
    401,
  ],
  [
    'the same labelled v1a',
    {
      ...honest('ed25519'),
      headers: {
        ...honest('ed25519').headers,
        'webhook-signature': `v1a,${createHmac('sha256', Buffer.from(SECRETS.ed25519.slice(5), 'base64'))
          .update(`evt_1.${NOW_S}.`)
          .update(BODY)
          .digest('base64')}`,
      },
    },
    401,
  ],
  [
    'an ed25519 signature of zeros',
    withHeaders(honest('ed25519'), { 'webhook-signature': `v1a,${Buffer.alloc(64).toString('base64')}` }),
    401,
  ],
  [
    'an ed25519 signature as v1',
    withHeaders(honest('ed25519'), {
      'webhook-signature': signatureOf('ed25519', 'webhook-signature').replace('v1a', 'v1'),
    }),
    401,
  ],
  ['an ed25519 signature of another body', { ...honest('ed25519'), body: '{}' }, 401],
  // Stripe
  ['Stripe without a timestamp', stripe(`v1=${v1(NOW_S)}`), 401],
  ['Stripe without a signature', stripe(`t=${NOW_S}`), 401],
  ['Stripe v0 only', stripe(`t=${NOW_S},v0=${v1(NOW_S)}`), 401],
  ['Stripe with two timestamps', stripe(`t=1,t=${NOW_S},v1=${v1(NOW_S)}`), 401],
  ['Stripe in the future', stripe(`t=${NOW_S + 301},v1=${v1(NOW_S + 301)}`), 401],
  ['Stripe with a junk timestamp', stripe(`t=${NOW_S}junk,v1=${v1(`${NOW_S}junk`)}`), 401],
  ['Stripe with 17 entries', stripe(`${'v1=00,'.repeat(15)}t=${NOW_S},v1=${v1(NOW_S)}`), 401],
  ['Stripe in capitals', stripe(`t=${NOW_S},v1=${v1(NOW_S).toUpperCase()}`), 401],
  // GitHub, Slack, generic
  [
    'GitHub’s SHA-1 header alone',
    {
      path: '/webhooks/github',
      headers: { 'x-hub-signature': `sha1=${hex(SECRETS.github, BODY, 'sha1')}` },
      body: BODY,
    },
    401,
  ],
  [
    'SHA-1 under the SHA-256 header',
    {
      path: '/webhooks/github',
      headers: { 'x-hub-signature-256': `sha1=${hex(SECRETS.github, BODY, 'sha1')}` },
      body: BODY,
    },
    401,
  ],
  [
    'GitHub’s plain digest',
    { path: '/webhooks/github', headers: { 'x-hub-signature-256': hex(SECRETS.github, BODY) }, body: BODY },
    401,
  ],
  ['Slack an hour late', honest('slack', { timestampMs: NOW_MS - 3_600_000 }), 401],
  [
    'Slack’s digest as v1',
    withHeaders(honest('slack'), {
      'x-slack-signature': signatureOf('slack', 'x-slack-signature').replace('v0', 'v1'),
    }),
    401,
  ],
  ['an id that holds the template’s separator', honest('generic', { id: 'evt|1' }), 401],
  [
    'the generic prefix left out',
    withHeaders(honest('generic'), { 'X-Signature': signatureOf('generic', 'X-Signature').slice(3) }),
    401,
  ],
  ['the generic time left out', withHeaders(honest('generic'), { 'X-Time': undefined }), 401],
  // Signed, but nothing we can read
  ['a signed empty body', honest('standard', { body: '' }), 400],
  ['signed text that is no JSON', honest('standard', { body: 'payload=1' }), 400],
  ['signed JSON in invalid UTF-8', honest('standard', { body: Buffer.from('{"type":"\xff"}', 'latin1') }), 400],
  [
    'signed JSON with a byte order mark',
    honest('standard', { body: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), BODY]) }),
    400,
  ],
  ...['', 'a"b', "a'b", 'a\\b', 'a\u0000b', 'x'.repeat(256)].map(
    (id) =>
      [
        `signed, with a job id nobody can look up: ${JSON.stringify(id).slice(0, 12)}`,
        honest('standard', { body: JSON.stringify({ type: 'job.completed', data: { id } }) }),
        400,
      ] as const,
  ),
  ['signed null', honest('standard', { body: 'null' }), 400],
  ['signed, of the wrong type', honest('standard', { body: '{"type":1,"data":{}}' }), 400],
  ['signed, naming no job', honest('standard', { body: '{"type":"job.completed","data":{}}' }), 400],
  [
    'signed, on which the integration’s own code fails',
    honest('standard', { body: '{"type":"job.completed","data":{"boom":true}}' }),
    400,
  ],
  ['signed, nested 20,000 deep', honest('standard', { body: '['.repeat(20_000) + ']'.repeat(20_000) }), 400],
  [
    'signed, nested 20,000 deep with a hidden name',
    honest('standard', { body: `${'['.repeat(20_000)}"\\u005f"${']'.repeat(20_000)}` }),
    400,
  ],
  [
    'only __proto__ holds what the schema wants',
    honest('standard', { body: '{"__proto__":{"type":"job.completed","data":{"id":"ext-1"}}}' }),
    400,
  ],
];

const head = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const POST = 'POST /webhooks/standard HTTP/1.1';

/** name, bytes, gap between them, exact status */
const RAW_CASES: readonly (readonly [string, readonly string[], number, number])[] = [
  ['bytes that are not HTTP', ['\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'], 0, 400],
  ['no Host', [head([POST, 'Content-Length: 0'])], 0, 400],
  [
    'both length and chunks',
    [head([POST, 'Host: x', 'Content-Length: 5', 'Transfer-Encoding: chunked']), '0\r\n\r\n'],
    0,
    400,
  ],
  ['two lengths', [head([POST, 'Host: x', 'Content-Length: 5', 'Content-Length: 6']), 'hello'], 0, 400],
  ['a negative length', [head([POST, 'Host: x', 'Content-Length: -1'])], 0, 400],
  [
    'a chunk size that is no number',
    [head([POST, 'Host: x', 'Transfer-Encoding: chunked']), 'zz\r\nhello\r\n'],
    0,
    400,
  ],
  [
    'a header line folded with a bare newline',
    [head([POST, 'Host: x', 'Webhook-Id: a\n b', 'Content-Length: 0'])],
    0,
    400,
  ],
  [
    'an absolute target',
    [head(['POST http://other/webhooks/standard HTTP/1.1', 'Host: x', 'Content-Length: 0'])],
    0,
    404,
  ],
  ['an expectation we cannot meet', [head([POST, 'Host: x', 'Expect: a-miracle', 'Content-Length: 0'])], 0, 417],
  [
    'headers that drip',
    [`${POST}\r\n`, 'Host: x\r\n', ...Array.from({ length: 40 }, (_, n) => `X-${n}: x\r\n`)],
    100,
    408,
  ],
  ['a body that never comes', [head([POST, 'Host: x', 'Content-Length: 10'])], 0, 408],
  [
    'a body that drips',
    [head([POST, 'Host: x', 'Content-Length: 100']), ...Array.from({ length: 60 }, () => 'x')],
    50,
    408,
  ],
  [
    'a compressed body that drips',
    [
      head([POST, 'Host: x', 'Content-Encoding: gzip', 'Content-Length: 100']),
      ...Array.from({ length: 60 }, () => 'x'),
    ],
    50,
    408,
  ],
];

let receiver: TestReceiver;
beforeAll(async () => {
  const services = Object.entries(SCHEMES).map(
    ([service, scheme]) =>
      [
        service,
        webhookService({
          integration: webhookIntegration({ scheme, service }),
          secrets: async () => [SECRETS[service as Service]],
        }),
      ] as const,
  );
  receiver = await startTestReceiver({
    services: new Map(services),
    limits: { maxBodyBytes: MAX_BODY, bodyTimeoutMs: 400, headersTimeoutMs: 400, suspectAfter: 1_000_000 },
  });
});
afterAll(() => receiver.close());
beforeEach(() => {
  receiver.recorder.deliveries.length = 0;
});

describe('an attacker gets exactly the expected status and reaches nothing', () => {
  it('with at least 60 cases', () => expect(HTTP_CASES.length + RAW_CASES.length).toBeGreaterThanOrEqual(60));

  it.each(HTTP_CASES)('%s', async (_, request, status) => {
    const answer = await send(receiver, request);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({
      error: { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) },
    });
    expect(receiver.recorder.deliveries).toEqual([]);
    await expectHonestService();
  });

  it.each(RAW_CASES)('%s', async (_, pieces, gapMs, status) => {
    const answer = await sendRaw(receiver.port, pieces, gapMs);
    expect(answer.status).toBe(status);
    expect(receiver.recorder.deliveries).toEqual([]);
    await expectHonestService();
  });

  it('a good token does not replace a signature', async () => {
    const token = issueCallbackToken(TOKEN_SECRET, { service: 'standard', key: 'invoice-7', generation: 1 });
    expect(await send(receiver, { path: `/webhooks/standard/${token}`, body: BODY })).toMatchObject({ status: 401 });
    expect(receiver.recorder.deliveries).toEqual([]);
  });

  it('a sender that hangs up in the middle leaves nothing behind', async () => {
    const socket = connect(receiver.port, '127.0.0.1');
    await new Promise<void>((resolve) =>
      socket.write(`${head([POST, 'Host: x', 'Content-Length: 10'])}x`, () => resolve()),
    );
    socket.destroy();
    await expectHonestService();
    expect(receiver.recorder.deliveries).toHaveLength(1);
  });
});

/** After each attack, an honest webhook is still taken. */
async function expectHonestService(): Promise<void> {
  expect(await send(receiver, honest('stripe'))).toMatchObject({ status: 200, body: '{"status":"accepted"}' });
  expect(receiver.recorder.deliveries).toHaveLength(1);
}

describe('an honest sender is believed', () => {
  it.each(Object.keys(SCHEMES) as Service[])('by every scheme: %s', async (service) => {
    expect(await send(receiver, honest(service))).toMatchObject({ status: 200 });
    expect(receiver.recorder.deliveries).toMatchObject([
      { service, hint: { state: 'COMPLETED', externalId: 'ext-1' } },
    ]);
  });

  it.each<[string, TestRequest]>([
    ['just inside the window, past', honest('standard', { timestampMs: NOW_MS - 300_000 })],
    ['just inside the window, future', honest('standard', { timestampMs: NOW_MS + 300_000 })],
    [
      'with the good signature last of 16',
      withHeaders(honest('standard'), { 'webhook-signature': `${'v1,A '.repeat(15)}${standardSignature}` }),
    ],
    [
      'beside signatures of other versions',
      withHeaders(honest('standard'), { 'webhook-signature': `v2,AAAA v1a,AAAA ${standardSignature}` }),
    ],
    [
      'with header names in capitals',
      {
        ...honest('standard'),
        headers: Object.fromEntries(
          Object.entries(honest('standard').headers).map(([name, value]) => [name.toUpperCase(), value]),
        ),
      },
    ],
    ['with a query in the URL', { ...honest('standard'), path: '/webhooks/standard?source=x' }],
    ['in chunks', withHeaders(honest('standard'), { 'transfer-encoding': 'chunked' })],
    [
      'compressed with gzip',
      { ...withHeaders(honest('standard'), { 'content-encoding': 'gzip' }), body: gzipSync(BODY) },
    ],
    [
      'compressed with deflate',
      { ...withHeaders(honest('standard'), { 'content-encoding': 'deflate' }), body: deflateSync(BODY) },
    ],
    [
      'compressed with br',
      { ...withHeaders(honest('standard'), { 'content-encoding': 'BR' }), body: brotliCompressSync(BODY) },
    ],
    [
      'of exactly the largest size',
      honest('standard', {
        body: `${BODY.toString().slice(0, -1)},"pad":"${'x'.repeat(MAX_BODY - BODY.length - 9)}"}`,
      }),
    ],
    [
      'with duplicate keys, of which the last counts',
      honest('standard', { body: `{"type":"job.failed",${BODY.toString().slice(1)}` }),
    ],
    [
      'with __proto__ beside the real thing',
      honest('standard', { body: `{"__proto__":{"type":"job.failed"},${BODY.toString().slice(1)}` }),
    ],
  ])('%s', async (_, request) => {
    expect(await send(receiver, request)).toMatchObject({ status: 200, body: '{"status":"accepted"}' });
    expect(receiver.recorder.deliveries).toMatchObject([{ hint: { state: 'COMPLETED', externalId: 'ext-1' } }]);
  });
});
