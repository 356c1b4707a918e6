import { afterEach, describe, expect, it } from '@jest/globals';
import { issueCallbackToken } from '../../src/definition/callback-token.ts';
import { signWebhook } from '../../src/testing/sign.ts';
import { createReceiver } from '../../src/webhooks/index.ts';
import {
  heldHandOver,
  NOW_MS,
  recordingHandOver,
  recordingLogger,
  SECRET,
  send,
  SERVICE,
  startTestReceiver,
  TOKEN_SECRET,
  webhookIntegration,
  webhookService,
} from './helpers/receiver.ts';
import type { TestReceiver, TestRequest } from './helpers/receiver.ts';

const SCHEME = { kind: 'standard-webhooks' } as const;
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

let receiver: TestReceiver;
afterEach(() => receiver?.close());

async function start(options: Parameters<typeof startTestReceiver>[0] = {}): Promise<TestReceiver> {
  receiver = await startTestReceiver(options);
  return receiver;
}

const only = (service: Parameters<typeof webhookService>[0]) => ({
  services: new Map([[SERVICE, webhookService(service)]]),
});
const event = (data: object, type = 'job.completed', more: object = {}) => ({ type, ...more, data });

/** A correctly signed webhook. */
function signed(
  payload: unknown,
  options: { id?: string; timestampMs?: number; token?: string; secret?: string } = {},
): TestRequest {
  const body = Buffer.from(JSON.stringify(payload));
  const { id = 'evt-1', timestampMs = NOW_MS, token, secret = SECRET } = options;
  return {
    path: token === undefined ? `/webhooks/${SERVICE}` : `/webhooks/${SERVICE}/${token}`,
    headers: signWebhook(SCHEME, secret, { id, timestampMs, body }),
    body,
  };
}

const tokenFor = (key: string, options: { generation?: number; service?: string; secret?: string } = {}): string =>
  issueCallbackToken(options.secret ?? TOKEN_SECRET, {
    service: options.service ?? SERVICE,
    key,
    generation: options.generation ?? 1,
  });

describe('routing, best first', () => {
  it('goes by the callback token', async () => {
    const { recorder } = await start();
    const answer = await send(
      receiver,
      signed(event({ id: 'ext-1' }), { token: tokenFor('invoice-7', { generation: 2 }) }),
    );
    expect(answer).toMatchObject({ status: 200, body: '{"status":"accepted"}' });
    expect(recorder.deliveries).toEqual([
      {
        service: SERVICE,
        address: { kind: 'job', job: { service: SERVICE, key: 'invoice-7', generation: 2 } },
        hint: { eventId: 'evt-1', state: 'COMPLETED', externalId: 'ext-1', generation: 2, receivedAtMs: NOW_MS },
      },
    ]);
  });

  it('else by our reference in the payload', async () => {
    const { recorder } = await start();
    await send(receiver, signed(event({ reference: 'invoice-7~3' }, 'job.failed')));
    expect(recorder.deliveries).toEqual([
      {
        service: SERVICE,
        address: { kind: 'job', job: { service: SERVICE, key: 'invoice-7', generation: 3 } },
        hint: { eventId: 'evt-1', state: 'FAILED', generation: 3, receivedAtMs: NOW_MS },
      },
    ]);
  });

  it('else by the service’s own id', async () => {
    const { recorder } = await start();
    await send(receiver, signed(event({ id: 'ext-1', reference: 'not one of ours' })));
    expect(recorder.deliveries).toEqual([
      {
        service: SERVICE,
        address: { kind: 'external', externalId: 'ext-1' },
        hint: { eventId: 'evt-1', state: 'COMPLETED', externalId: 'ext-1', receivedAtMs: NOW_MS },
      },
    ]);
  });

  it.each([
    ['is forged', () => 'abc.def'],
    [
      'was signed with a secret since withdrawn',
      () => tokenFor('invoice-8', { secret: 'some other token secret, 32 long' }),
    ],
    ['belongs to another service', () => tokenFor('invoice-8', { service: 'other' })],
    ['contradicts the signed reference: a captured event at another job’s URL', () => tokenFor('invoice-8')],
    ['contradicts the signed generation', () => tokenFor('invoice-7', { generation: 4 })],
  ])('uses the signed payload, and counts, when the token %s', async (_, token) => {
    const { recorder, metrics } = await start();
    expect(await send(receiver, signed(event({ reference: 'invoice-7~3' }), { token: token() }))).toMatchObject({
      status: 200,
    });
    expect(recorder.deliveries).toMatchObject([{ address: { kind: 'job', job: { key: 'invoice-7', generation: 3 } } }]);
    expect(metrics.counts.get(`playbook_webhook_tokens_ignored_total{service=${SERVICE}}`)).toBe(1);
  });

  it('leaves alone an event that is none of our business', async () => {
    const { recorder, metrics } = await start();
    const answer = await send(receiver, signed(event({ id: 'ext-1' }, 'invoice.paid')));
    expect(answer).toMatchObject({ status: 200, body: '{"status":"ignored"}' });
    expect(recorder.deliveries).toEqual([]);
    expect(metrics.counts.get(`playbook_webhooks_total{service=${SERVICE},outcome=ignored}`)).toBe(1);
  });

  it('hands progress on to a job it can address, and starts no search for any other', async () => {
    const { recorder } = await start();
    const progress = 'job.processing';
    expect(await send(receiver, signed(event({ id: 'ext-1' }, progress)))).toMatchObject({
      body: '{"status":"ignored"}',
    });
    expect(await send(receiver, signed(event({ reference: 'a~1' }, progress)))).toMatchObject({
      body: '{"status":"accepted"}',
    });
    expect(recorder.deliveries).toMatchObject([{ hint: { state: 'PROCESSING' } }]);
  });
});

describe('the event id, by which repetitions are known', () => {
  it.each<[string, object, string | undefined, string | RegExp]>([
    ['is the payload’s where the integration reads one', { id: 'body-1' }, 'head-1', 'body-1'],
    ['is the header’s otherwise', {}, 'head-1', 'head-1'],
    ['is the body’s hash where there is none', {}, undefined, /^sha256-[0-9a-f]{64}$/],
    ['is hashed when it would not fit a workflow id', { id: 'x'.repeat(500) }, 'head-1', /^sha256-[0-9a-f]{64}$/],
    ['is hashed when it holds what an id should not', { id: 'a\nb' }, 'head-1', /^sha256-[0-9a-f]{64}$/],
  ])('%s', async (_, more, headerId, expected) => {
    const { recorder } = await start(
      only({
        integration: webhookIntegration({ scheme: { kind: 'github' } }),
        secrets: async () => ['the secret of github'],
      }),
    );
    const body = Buffer.from(JSON.stringify(event({ id: 'ext-1' }, 'job.completed', more)));
    const headers = signWebhook({ kind: 'github' }, 'the secret of github', {
      id: headerId ?? '',
      timestampMs: 0,
      body,
    });
    if (headerId === undefined) delete headers['x-github-delivery'];
    await send(receiver, { headers, body });
    expect(recorder.deliveries[0]?.hint.eventId).toMatch(expected);
  });
});

describe('a trusted payload', () => {
  const trusted = only({ integration: webhookIntegration({ trusted: true }) });
  const done = { id: 'ext-1', reference: 'a~1', status: 'done', result: { text: 'hello' } };

  it('is taken as the result', async () => {
    const { recorder } = await start(trusted);
    await send(receiver, signed(event(done)));
    expect(recorder.deliveries[0]?.hint.observation).toEqual({
      state: 'COMPLETED',
      word: 'done',
      result: { text: 'hello' },
      costMicros: 5,
    });
  });

  it('tells a failure too', async () => {
    const { recorder } = await start(trusted);
    await send(receiver, signed(event({ ...done, status: 'broken' }, 'job.failed')));
    expect(recorder.deliveries[0]?.hint.observation).toEqual({ state: 'FAILED', word: 'broken', costMicros: 5 });
  });

  it.each([
    ['the word is unknown', { ...done, status: 'finished' }],
    ['the word is a property every object has', { ...done, status: 'constructor' }],
    ['the word and the event disagree', { ...done, status: 'broken' }],
    ['the job is not over', { ...done, status: 'processing' }],
    ['the result breaks its schema', { ...done, result: { text: 7 } }],
    ['the result is too large for a history', { ...done, result: { text: 'x'.repeat(70_000) } }],
    ['there is no result', { ...done, result: undefined }],
    ['there is no job in it', { id: 'ext-1', reference: 'a~1' }],
  ])('stays a hint, so that the GET decides, when %s', async (_, data) => {
    const { recorder } = await start(trusted);
    expect(await send(receiver, signed(event(data)))).toMatchObject({ status: 200 });
    expect(recorder.deliveries).toHaveLength(1);
    expect(recorder.deliveries[0]?.hint.observation).toBeUndefined();
  });

  it('is only a hint where the integration does not declare it sufficient', async () => {
    const { recorder } = await start();
    await send(receiver, signed(event(done)));
    expect(recorder.deliveries[0]?.hint.observation).toBeUndefined();
  });
});

describe('the answer', () => {
  it.each([
    ['accepted', 200, '{"status":"accepted"}'],
    ['duplicate', 200, '{"status":"duplicate"}'],
    ['late', 200, '{"status":"ignored"}'],
    ['unknown_job', 200, '{"status":"ignored"}'],
    ['temporal_away', 503, '{"error":{"code":"RECEIVER_UNAVAILABLE","message":"Try again later."}}'],
  ] as const)('to a hand-over that says %s is %i, and counted', async (result, status, body) => {
    const { recorder, metrics } = await start();
    recorder.result = result;
    const answer = await send(receiver, signed(event({ reference: 'a~1' })));
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers['retry-after']).toBe(status === 503 ? '10' : undefined);
    expect([...metrics.counts]).toEqual([[`playbook_webhooks_total{service=${SERVICE},outcome=${result}}`, 1]]);
  });

  it('waits for the hand-over: nothing is acknowledged before Temporal has it', async () => {
    const { latch, handOver } = heldHandOver();
    await start({ handOver });
    let answered = false;
    const answer = send(receiver, signed(event({ reference: 'a~1' }))).then((value) => {
      answered = true;
      return value;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    latch.release();
    expect(await answer).toMatchObject({ status: 200 });
  });

  it('is 503 and logged when a hand-over breaks its promise and fails', async () => {
    const { logger, metrics } = await start({ handOver: () => Promise.reject(new Error('broken')) });
    expect(await send(receiver, signed(event({ reference: 'a~1' })))).toMatchObject({ status: 503 });
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { err: { message: 'broken' } } }]);
    expect(metrics.counts.get(`playbook_webhooks_total{service=${SERVICE},outcome=defect}`)).toBe(1);
  });

  it('is 503 when more verified webhooks wait for Temporal than the receiver can hold', async () => {
    const { latch, handOver } = heldHandOver();
    await start({ limits: { maxHandOvers: 1 }, handOver });
    const first = send(receiver, signed(event({ reference: 'a~1' })));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await send(receiver, signed(event({ reference: 'b~1' })))).toMatchObject({ status: 503 });
    latch.release();
    expect(await first).toMatchObject({ status: 200 });
    expect(await send(receiver, signed(event({ reference: 'b~1' })))).toMatchObject({ status: 200 });
  });
});

const statusWith = async (secret: string): Promise<number> =>
  (await send(receiver, signed(event({ reference: 'a~1' }), { secret }))).status;

describe('secrets', () => {
  it('rotate without a restart: old and new together, then the new alone', async () => {
    let secrets = [SECRET];
    let nowMs = NOW_MS;
    await start({ ...only({ secrets: async () => secrets }), now: () => nowMs });
    const wait = (): void => void (nowMs += 1000);

    expect([await statusWith(SECRET), await statusWith(OTHER_SECRET)]).toEqual([200, 401]);
    secrets = [OTHER_SECRET, SECRET];
    wait();
    expect([await statusWith(SECRET), await statusWith(OTHER_SECRET)]).toEqual([200, 200]);
    secrets = [OTHER_SECRET];
    wait();
    expect([await statusWith(SECRET), await statusWith(OTHER_SECRET)]).toEqual([401, 200]);
  });

  it.each([
    ['cannot be resolved', async () => Promise.reject(new Error('vault is away'))],
    ['are none', async () => []],
    ['are empty', async () => ['']],
  ])('that %s put the sender off with 503: nobody is called a forger for it', async (_, secrets) => {
    const { logger, metrics } = await start(only({ secrets }));
    for (let n = 0; n < 3; n += 1) {
      expect(await send(receiver, signed(event({ reference: 'a~1' })))).toMatchObject({ status: 503 });
    }
    expect(logger.lines).toHaveLength(1);
    expect(metrics.counts.get(`playbook_webhooks_total{service=${SERVICE},outcome=secret_unavailable}`)).toBe(3);
  });

  it('once good stay in use while they cannot be resolved again', async () => {
    let away = false;
    let nowMs = NOW_MS;
    const secrets = async (): Promise<string[]> => {
      if (away) throw new Error('vault is away');
      return [SECRET];
    };
    const { logger } = await start({ ...only({ secrets }), now: () => nowMs });
    expect(await send(receiver, signed(event({ reference: 'a~1' })))).toMatchObject({ status: 200 });
    away = true;
    nowMs += 5000;
    expect(await send(receiver, signed(event({ reference: 'a~1' })))).toMatchObject({ status: 200 });
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { err: { message: 'vault is away' } } }]);
  });

  it('are resolved at most once a second, and once for many requests at a time', async () => {
    let asked = 0;
    await start(
      only({
        secrets: async () => {
          asked += 1;
          await new Promise((resolve) => setTimeout(resolve, 20));
          return [SECRET];
        },
      }),
    );
    await Promise.all(Array.from({ length: 10 }, () => send(receiver, signed(event({ reference: 'a~1' })))));
    await send(receiver, signed(event({ reference: 'a~1' })));
    expect(asked).toBe(1);
  });
});

const get = async (path: string, method = 'GET'): Promise<number> => (await send(receiver, { path, method })).status;

describe('what operators see', () => {
  it('a bad signature counts every time and is logged once a minute for each source', async () => {
    let nowMs = NOW_MS;
    const { metrics, logger } = await start({ now: () => nowMs });
    const forged = signed(event({ reference: 'a~1' }), { secret: OTHER_SECRET });
    for (let n = 0; n < 20; n += 1) await send(receiver, forged);
    await send(receiver, { ...forged, localAddress: '127.0.0.2' });

    expect(
      metrics.counts.get(`playbook_webhook_signatures_rejected_total{service=${SERVICE},reason=signature_mismatch}`),
    ).toBe(21);
    expect(metrics.counts.get(`playbook_webhooks_total{service=${SERVICE},outcome=bad_signature}`)).toBe(21);
    expect(logger.lines.map(({ fields }) => fields['source'])).toEqual(['127.0.0.1', '127.0.0.2']);
    nowMs += 60_000;
    await send(receiver, forged);
    expect(logger.lines.at(-1)).toMatchObject({
      level: 'warn',
      fields: { suppressed: 19, reason: 'signature_mismatch' },
    });
  });

  it('a signed body that cannot be read is logged once, with where and never what', async () => {
    const { logger, metrics } = await start();
    const broken = signed({ type: 'job.completed', data: { id: { secret: 'canary' } } });
    for (let n = 0; n < 3; n += 1) expect(await send(receiver, broken)).toMatchObject({ status: 400 });
    expect(logger.lines).toMatchObject([{ fields: { code: 'WEBHOOK_MALFORMED', detail: 'data.id: invalid_type' } }]);
    expect(JSON.stringify(logger.lines)).not.toContain('canary');
    expect(metrics.counts.get(`playbook_webhooks_total{service=${SERVICE},outcome=malformed}`)).toBe(3);
  });

  it('a signed time is offered as a sample of the service’s clock, and only a believed one', async () => {
    const samples: unknown[] = [];
    await start({ onClockSample: (...sample) => samples.push(sample) });
    await send(receiver, signed(event({ reference: 'a~1' }), { timestampMs: NOW_MS - 7000 }));
    await send(receiver, signed(event({ reference: 'a~1' }), { timestampMs: NOW_MS - 9000, secret: OTHER_SECRET }));
    expect(samples).toEqual([[SERVICE, NOW_MS - 7000, NOW_MS]]);
  });

  it('labels never hold what a stranger wrote', async () => {
    const { metrics } = await start();
    await send(receiver, { path: '/webhooks/some-attackers-label' });
    await send(receiver, { path: '/nowhere' });
    expect([...metrics.counts]).toEqual([['playbook_webhooks_total{service=unknown,outcome=refused}', 2]]);
  });

  it('health: live always, ready when the hand-over is', async () => {
    let ready = false;
    await start({ ready: () => ready });
    expect([await get('/healthz'), await get('/readyz'), await get('/readyz', 'HEAD')]).toEqual([200, 503, 503]);
    ready = true;
    expect([await get('/healthz'), await get('/readyz')]).toEqual([200, 200]);
  });

  it('health is ready where nobody says otherwise', async () => {
    await start();
    expect(await send(receiver, { path: '/readyz', method: 'GET' })).toMatchObject({
      status: 200,
      body: '{"status":"ready"}',
    });
  });
});

const receiverOf = (name: string, service: Parameters<typeof webhookService>[0], limits = {}) =>
  createReceiver({
    services: new Map([[name, webhookService(service)]]),
    handOver: recordingHandOver().handOver,
    logger: recordingLogger(),
    limits,
  });

describe('what makes no sense is refused before anything is served', () => {
  const noWebhook = { ...webhookIntegration() };
  Reflect.deleteProperty(noWebhook, 'webhook');

  it.each([
    ['a service under another name', () => receiverOf('other', {}), 'must be the integration\'s own name, "docproc"'],
    ['a tolerance of 0', () => receiverOf(SERVICE, { toleranceMs: 0 }), 'has a tolerance of 0 ms'],
    ['a tolerance without end', () => receiverOf(SERVICE, { toleranceMs: Infinity }), 'has a tolerance of Infinity ms'],
    ['an integration without webhooks', () => receiverOf(SERVICE, { integration: noWebhook }), 'declares no webhook'],
    [
      'limits that are none',
      () => receiverOf(SERVICE, {}, { maxBodyBytes: 0, bodyTimeoutMs: 1.5 }),
      'limits.maxBodyBytes must be a whole number >= 1 (got 0); limits.bodyTimeoutMs must be a whole number >= 1 (got 1.5).',
    ],
  ])('%s', (_, make, problem) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(problem) }),
    );
  });
});
