import type { IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaultWebhookSecret } from '../../../../src/sandbox/index.ts';
import { createVerifier } from '../../../../src/webhooks/index.ts';
import { until } from '../../../../test/helpers/until.ts';
import { startReceiver } from '../../../../test/sandbox/support/receiver.ts';
import { integration } from '../../src/index.ts';
import { eventDto } from '../../src/models.ts';
import { tone } from '../../src/samples.ts';
import { startWavescan, type Wavescan } from '../support.ts';

describe('a webhook of wavescan', () => {
  let wavescan: Wavescan;
  beforeAll(async () => {
    wavescan = await startWavescan({ limit: { rate: 1_000 } });
  });
  afterAll(() => wavescan.close());

  it('is signed in hex as the definition says, and tells which scan is over', async () => {
    const receiver = await startReceiver();
    const recording = await wavescan.upload(tone(2));
    await wavescan.call('PUT', '/v2/scans/heard', { recording, label: 'key~1', notify_url: receiver.url });
    await until('the webhook has come', () => receiver.received.length === 1);
    const [received] = receiver.received;
    const headers: IncomingHttpHeaders = received?.headers ?? {};
    const body = received?.body ?? '';
    expect(headers['x-wavescan-signature']).toMatch(/^sha256=[0-9a-f]{64}$/);
    const { webhook } = integration;
    if (webhook === undefined) throw new Error('wavescan has webhooks');
    expect(webhook.read(eventDto.parse(JSON.parse(body)))).toEqual({
      state: 'COMPLETED',
      externalId: 'heard',
      reference: 'key~1',
    });
    const verify = createVerifier(webhook.scheme, [defaultWebhookSecret]);
    const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
    const check = (bytes: string) =>
      verify({ rawHeaders, body: Buffer.from(bytes), nowMs: Date.now(), toleranceMs: 300_000 });
    expect(check(body)).toMatchObject({ ok: true });
    expect(check(body.replace('ready', 'rejected'))).toMatchObject({ ok: false });
  });
});
