import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '../../../../test/helpers/stack.ts';
import { unique } from '../../../../test/helpers/temporal.ts';
import { defaultWebhookSecret } from '../../../../src/sandbox/index.ts';
import { signWebhook } from '../../../../src/testing/sign.ts';
import { createDocproc } from '../../src/client.ts';
import { integration } from '../../src/index.ts';

const FORGED_SECRET = `whsec_${Buffer.from('someone else’s signing key, 32 b').toString('base64')}`;

describe('W1: a webhook of docproc', () => {
  let stack: Stack;
  beforeAll(async () => {
    // Its own webhooks never arrive and polls are far away: only what the tests send can end a job.
    stack = await startStack({ config: 'polling: { grace_ms: 3600000 }' });
    stack.sandbox.faults({ rules: [{ kind: 'webhook-drop' }] });
  });
  afterAll(() => stack.close());

  /** A finished job at docproc of which the playbook has not heard, and a way to send its webhook. */
  async function finishedUnheard() {
    const { document } = await stack.document(`${unique('w1')}.txt`, 'heard of by webhook only');
    const job = await createDocproc(stack.playbook).startExtraction(document, { key: unique('w1') });
    const { externalId } = await job.waitUntilAccepted();
    const event = {
      type: 'job.completed',
      timestamp: new Date().toISOString(),
      data: {
        id: externalId,
        status: 'COMPLETED',
        reference: `${job.key}~1`,
        input: `sha256:${document.sha256}`,
        options: { format: 'text' },
        created_at: new Date().toISOString(),
        updated_at: new Date().toISOString(),
        cost_micros: 10_000,
        result: null,
        error: null,
      },
    };
    const send = async (secret: string): Promise<number> => {
      const body = JSON.stringify(event);
      const scheme = integration.webhook?.scheme;
      if (scheme === undefined) throw new Error('docproc has webhooks');
      const headers = signWebhook(scheme, secret, {
        id: unique('msg'),
        timestampMs: Date.now(),
        body: Buffer.from(body),
      });
      const url = `${stack.config.webhook?.public_url}/webhooks/docproc`;
      return (await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body }))
        .status;
    };
    return { job, send };
  }

  it('with a bad signature is answered 401 and discarded: the job hears nothing', async () => {
    const { job, send } = await finishedUnheard();
    expect(await send(FORGED_SECRET)).toBe(401);
    expect(await job.detail()).toMatchObject({ state: 'PROCESSING', webhooks: 0, polls: 0 });
  });

  it('with a good signature is answered 200 and ends the job by what docproc then says itself', async () => {
    const { job, send } = await finishedUnheard();
    expect(await send(defaultWebhookSecret)).toBe(200);
    expect(await job.result({ maxWaitMs: 20_000 })).toMatchObject({
      state: 'COMPLETED',
      webhooks: 1,
      result: { text: 'heard of by webhook only' },
    });
  });
});

describe('docproc, whose webhooks are all badly signed', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ config: 'polling: { grace_ms: 500, initial_ms: 100, factor: 1.5, max_ms: 500 }' });
    stack.sandbox.faults({ rules: [{ kind: 'webhook-bad-signature' }] });
  });
  afterAll(() => stack.close());

  it('is polled instead', async () => {
    const { document } = await stack.document('polled.txt', 'polled');
    const answer = await createDocproc(stack.playbook).extractText(document, { key: unique('polled') });
    expect(answer).toMatchObject({ state: 'COMPLETED', webhooks: 0, result: { text: 'polled' } });
  });
});
