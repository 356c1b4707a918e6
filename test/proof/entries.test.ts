import { describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import type { Integration } from '../../src/definition/index.ts';
import type { RecordedExchange } from '../../src/http/service-client.ts';
import { createRedactor } from '../../src/logging/redactor.ts';
import { entriesOf } from '../../src/proof/entries.ts';
import { keepableInput } from '../../src/proof/outcome.ts';
import { createSanitizer } from '../../src/proof/sanitizer.ts';
import type { RecordedWebhook } from '../../src/webhooks/index.ts';

const exchange = (more: Partial<RecordedExchange>): RecordedExchange => ({
  kind: 'poll',
  method: 'GET',
  origin: 'https://api.example.com',
  path: '/v3/jobs/1',
  requestHeaders: {},
  credentialHeaders: ['Authorization'],
  startedAtMs: 1000,
  elapsedMs: 1.23,
  ...more,
});
const answer = (status: number, body: string | Uint8Array, type?: string) => ({
  answer: { status, headers: type === undefined ? {} : { 'content-type': type }, bytes: Buffer.from(body) },
});
const entries = (
  exchanges: readonly RecordedExchange[],
  webhooks: readonly RecordedWebhook[] = [],
  integration: Integration = docproc,
) =>
  entriesOf(
    integration,
    { exchanges, webhooks: webhooks.map((one) => ({ ...one, publicUrl: 'https://hooks.example.com' })) },
    createSanitizer(createRedactor().text),
  );

const JOB = {
  id: 'job_1',
  status: 'COMPLETED',
  reference: null,
  input: 'sha256:1',
  options: { format: 'text' },
  created_at: 'now',
  updated_at: 'now',
  cost_micros: 1,
  error: null,
  result: {
    artifact_id: 'a',
    artifact_url: 'b',
    content_type: 'c',
    sha256: '0'.repeat(64),
    bytes: 1,
    pages: 1,
    characters: 1,
    text: 'Dear Ann Example',
  },
};

describe('the entries of a recording', () => {
  it('keep answers by the schema of their kind, and what they say elsewhere, too', () => {
    const [error, list, poll] = entries([
      exchange({ startedAtMs: 3000, ...answer(200, JSON.stringify(JOB), 'application/json') }),
      exchange({
        startedAtMs: 1000,
        ...answer(500, '{"error":{"message":"cannot read Dear Ann Example"}}', 'application/json'),
      }),
      exchange({
        kind: 'list',
        startedAtMs: 2000,
        ...answer(200, '{"data":["shown"],"token":"t"}', 'application/json'),
      }),
    ]);
    // Met in the last answer, gone from the first.
    expect(error?.response.content.text).toBe('{"error":{"message":"cannot read [redacted: pii]"}}');
    expect(list?.response.content.text).toBe('{"data":["shown"],"token":"[redacted]"}');
    expect(JSON.parse(poll?.response.content.text ?? '')).toEqual({
      ...JOB,
      result: { ...JOB.result, text: '[redacted: pii]' },
    });
    expect(poll).toMatchObject({
      time: 1.2,
      request: { method: 'GET', headers: [{ name: 'authorization', value: '[redacted]' }], cookies: [] },
    });
  });

  it.each([
    ['text', 'text/plain', 'token=abc shown', 'token=[redacted] shown'],
    ['a form', 'application/x-www-form-urlencoded', 'a=1&client_secret=s', 'a=1&client_secret=%5Bredacted%5D'],
    ['bytes', 'image/png', 'PNG', undefined],
    ['what says not what it is', undefined, 'anything', undefined],
    ['nothing', 'text/plain', '', undefined],
  ])('keep of a body that is %s what may be shown', (_, type, body, shown) => {
    const [one] = entries([exchange(answer(200, body, type))]);
    expect(one?.response.content).toMatchObject({ size: body.length });
    expect(one?.response.content.text).toBe(shown);
  });

  it('say why no answer came, and what was sent', () => {
    const failure = {
      code: 'SERVICE_TIMEOUT',
      retryable: true,
      arrival: 'maybe',
      throttled: false,
      message: 'no',
    } as const;
    const [one] = entries([exchange({ method: 'PUT', path: '/v3/files/1?api_key=k&n=1', streamedBytes: 7, failure })]);
    expect(one).toMatchObject({
      request: { url: 'https://api.example.com/v3/files/1?api_key=%5Bredacted%5D&n=1', bodySize: 7 },
      response: { status: 0 },
      _playbook: { kind: 'poll', streamed: true, failure: { code: 'SERVICE_TIMEOUT', arrival: 'maybe' } },
    });
    const [posted] = entries([exchange({ method: 'POST', requestBody: Buffer.from('raw'), ...answer(204, '') })]);
    expect([posted?.request.postData, posted?.request.bodySize]).toEqual([undefined, 3]);
  });

  it('keep webhooks with their id and our answer, whatever today’s definition takes', () => {
    const webhook: RecordedWebhook = {
      service: 'docproc',
      target: '/webhooks/docproc/MS9kb2Nwcm9jLzEvZGVtbw.EdEzg3aaaJwt6W0Gd8lvFg',
      rawHeaders: ['Webhook-Signature', 'v1,abc', 'X-Odd'],
      body: Buffer.from('{"type":"job.completed","extra":"x"}'),
      eventId: 'msg_1',
      receivedAtMs: 5,
      answer: { status: 200, body: '{"status":"accepted"}' },
    };
    const [one] = entries([], [webhook]);
    expect(one).toMatchObject({
      request: {
        url: 'https://hooks.example.com/webhooks/docproc/[redacted]',
        headers: [
          { name: 'webhook-signature', value: '[redacted]' },
          { name: 'x-odd', value: '' },
        ],
        postData: { text: '{"type":"job.completed","extra":"[redacted: not in the schema]"}' },
      },
      response: { status: 200, content: { text: '{"status":"accepted"}' } },
      _playbook: { kind: 'webhook', eventId: 'msg_1' },
    });
    const { webhook: _, ...deaf } = docproc;
    const { eventId: __, ...anonymous } = webhook;
    const [open] = entries([], [anonymous], deaf);
    expect(open?._playbook).toEqual({ kind: 'webhook' });
    expect(open?.request.postData?.text).toBe('{"type":"job.completed","extra":"x"}');
  });
});

describe('an input that is kept', () => {
  it('names its files by number', () => {
    const input = {
      document: {
        uri: 'file:///home/ann/letter.pdf',
        sha256: '0'.repeat(64),
        bytes: 1,
        contentType: 'application/pdf',
      },
      options: { format: 'text' },
      list: [null, 'file:///home/ann/b', 1],
    };
    const integration = { ...docproc, input: docproc.input } as Integration;
    expect(keepableInput(integration, input, createSanitizer(createRedactor().text))).toMatchObject({
      document: { uri: 'file:///proof/input-1.pdf' },
    });
  });
});
