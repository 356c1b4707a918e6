import { describe, expect, it } from '@jest/globals';
import type { WebhookScheme } from '../../../src/contracts/webhook-scheme.ts';
import { createVerifier, sign } from '../../../src/webhooks/schemes/index.ts';
import { flat } from '../helpers/headers.ts';

interface Vector {
  readonly name: string;
  readonly scheme: WebhookScheme;
  readonly secret: string;
  /** What a sender holds, where that differs. */
  readonly signWith?: string;
  readonly id?: string;
  readonly timestampS?: number;
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP_S = 1614265330;
const BODY = '{"test": 2432232314}';
const STANDARD_SECRET = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SEED = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const SLACK_SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const SLACK_BODY =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar' +
  '&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com' +
  '%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN' +
  '&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';

function standard(name: string, body: string | Buffer, signature: string): Vector {
  return {
    name,
    scheme: { kind: 'standard-webhooks' },
    secret: STANDARD_SECRET,
    id: ID,
    timestampS: TIMESTAMP_S,
    body,
    headers: { 'webhook-id': ID, 'webhook-timestamp': String(TIMESTAMP_S), 'webhook-signature': signature },
  };
}

const v1 = standard('Standard Webhooks v1', BODY, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');

const VECTORS: readonly Vector[] = [
  v1,
  { ...v1, name: 'Standard Webhooks v1 with whsec_', secret: `whsec_${STANDARD_SECRET}` },
  {
    ...v1,
    name: 'Svix',
    scheme: { kind: 'standard-webhooks', headers: 'svix' },
    headers: {
      'svix-id': ID,
      'svix-timestamp': String(TIMESTAMP_S),
      'svix-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
  },
  standard(
    'Standard Webhooks v1, body bytes 22 ff 22',
    Buffer.from('22ff22', 'hex'),
    'v1,cbJLFGWMd/vrbJxmIuELrW8+Ntt0t468pzFIono/A3w=',
  ),
  standard(
    'Standard Webhooks v1, body bytes 22 fe 22',
    Buffer.from('22fe22', 'hex'),
    'v1,scwKVXFrkZJg4O3/EE9YKgIlJYs33jRprPjiICQ+VYo=',
  ),
  {
    ...standard(
      'Standard Webhooks v1a',
      BODY,
      'v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ==',
    ),
    scheme: { kind: 'standard-webhooks-ed25519' },
    secret: 'whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=',
    signWith: `whsk_${SEED.toString('base64')}`,
  },
  {
    name: 'Stripe v1',
    scheme: { kind: 'stripe' },
    secret: 'whsec_test_secret',
    timestampS: TIMESTAMP_S,
    body: BODY,
    headers: {
      'stripe-signature': `t=${TIMESTAMP_S},v1=10c96c6fd3f320fcfc264cdc4f476c15060ede8e8a08404cea2ddf3b72544a9c`,
    },
  },
  {
    name: 'GitHub (published)',
    scheme: { kind: 'github' },
    secret: "It's a Secret to Everybody",
    id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    body: 'Hello, World!',
    headers: {
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    },
  },
  {
    name: 'Slack v0',
    scheme: { kind: 'slack' },
    secret: SLACK_SECRET,
    timestampS: 1531420618,
    body: 'payload=1',
    headers: {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=ad246e11804f07c308f23ed700d3c67fb1169096e2833a30cafbc2f01bbaf6f9',
    },
  },
  {
    name: 'Slack v0 (published)',
    scheme: { kind: 'slack' },
    secret: SLACK_SECRET,
    timestampS: 1531420618,
    body: SLACK_BODY,
    headers: {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
  },
];

describe.each(VECTORS)('$name', (vector) => {
  const body = Buffer.from(vector.body);
  const timestampMs = (vector.timestampS ?? TIMESTAMP_S) * 1000;
  const verify = createVerifier(vector.scheme, [vector.secret]);
  const request = { rawHeaders: flat(vector.headers), body, nowMs: timestampMs, toleranceMs: 300_000 };

  it('is believed', () => {
    expect(verify(request)).toEqual({
      ok: true,
      eventId: vector.id,
      timestampMs: vector.timestampS === undefined ? undefined : timestampMs,
    });
  });

  it('is what our signer writes', () => {
    const input = { id: vector.id ?? '', timestampMs, body };
    expect(sign(vector.scheme, vector.signWith ?? vector.secret, input)).toEqual(vector.headers);
  });

  it('is not believed with one bit of the body flipped', () => {
    const flipped = Buffer.from(body);
    flipped.writeUInt8(flipped.readUInt8(1) ^ 1, 1);
    expect(verify({ ...request, body: flipped })).toEqual({ ok: false, reason: 'signature_mismatch' });
  });
});

it('different bytes never share a signature, as they do in a library that decodes to text first', () => {
  const viaText = 'v1,VdIG6rmBcxqeHlCj3EZTa2v7eurIXceZqgCdwZEZaSo=';
  const verify = createVerifier({ kind: 'standard-webhooks' }, [STANDARD_SECRET]);
  for (const hex of ['22ff22', '22fe22']) {
    const rawHeaders = flat({ ...v1.headers, 'webhook-signature': viaText });
    const request = { rawHeaders, body: Buffer.from(hex, 'hex'), nowMs: TIMESTAMP_S * 1000, toleranceMs: 300_000 };
    expect(verify(request)).toEqual({ ok: false, reason: 'signature_mismatch' });
  }
});
