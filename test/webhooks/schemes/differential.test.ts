import { describe, expect, it } from '@jest/globals';
import { sign as githubSign, verify as githubVerify } from '@octokit/webhooks-methods';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Stripe } from 'stripe';
import { Webhook as SvixWebhook } from 'svix';
import type { WebhookScheme } from '../../../src/contracts/webhook-scheme.ts';
import { createVerifier, sign } from '../../../src/webhooks/schemes/index.ts';
import { flat } from '../helpers/headers.ts';
import { seeded } from '../helpers/random.ts';
import type { Random } from '../helpers/random.ts';

/**
 * Random messages, most of them tampered with, judged by us and by the vendors' own packages. Every disagreement must be
 * explained by one of the libraries' known defects, recognised from the message itself, and each known defect must have shown.
 */
interface Message {
  headers: Record<string, string>;
  body: Buffer;
}
type Tamper = (message: Message, random: Random) => void;

const NOW_MS = Math.floor(Date.now() / 1000) * 1000; // standardwebhooks has no injectable clock
const TOLERANCE_MS = 300_000;

const isUtf8 = (body: Buffer): boolean => Buffer.from(body.toString()).equals(body);

function randomBody(random: Random): Buffer {
  const text = JSON.stringify({ id: random.int(1e9), text: random.pick(['plain', 'Zürich', '🙂', '\u2028', '']) });
  const body = Buffer.from(text);
  return random.int(8) === 0
    ? Buffer.concat([body, Buffer.from('"'), random.bytes(1 + random.int(3)), Buffer.from('"')])
    : body;
}

/** Within the window, or well outside it, either way. */
function randomTimestampMs(random: Random): number {
  return NOW_MS + random.pick([-100_000, -1000, 0, 0, 0, 1000, 250_000, -310_000, -86_400_000, 310_000, 86_400_000]);
}

function flipBit(bytes: Buffer, random: Random): void {
  const at = random.int(bytes.length);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.int(8)), at);
}

const edit =
  (name: string, change: (value: string, random: Random) => string): Tamper =>
  ({ headers }, random) => {
    headers[name] = change(headers[name]!, random);
  };
const drop =
  (name: string): Tamper =>
  ({ headers }) => {
    delete headers[name];
  };
const body: Tamper = (message, random) => flipBit(message.body, random);

function swapCharacter(text: string, random: Random): string {
  const at = random.int(text.length);
  return text.slice(0, at) + random.pick(['A', 'b', '0', '=', '/', ',']) + text.slice(at + 1);
}

/** Runs `count` messages, every other one tampered with. `defect` names the known defect a message touches. */
async function compare(options: {
  seed: number;
  count: number;
  make: (
    random: Random,
  ) =>
    | { message: Message; scheme: WebhookScheme; secret: string }
    | Promise<{ message: Message; scheme: WebhookScheme; secret: string }>;
  tampers: readonly Tamper[];
  library: (message: Message, secret: string) => boolean | Promise<boolean>;
  defect: (message: Message) => string | undefined;
}): Promise<{ believed: number; refused: number; unexplained: unknown[]; defects: string[] }> {
  const random = seeded(options.seed);
  const unexplained: unknown[] = [];
  const defects = new Set<string>();
  let believed = 0;
  for (let n = 0; n < options.count; n += 1) {
    const { message, scheme, secret } = await options.make(random);
    if (random.int(2) === 0) random.pick(options.tampers)(message, random);
    const verify = createVerifier(scheme, [secret]);
    const request = { rawHeaders: flat(message.headers), body: message.body, nowMs: NOW_MS, toleranceMs: TOLERANCE_MS };
    const ours = verify(request).ok;
    const theirs = await options.library(message, secret);
    if (ours) believed += 1;
    if (ours === theirs) continue;
    const defect = options.defect(message);
    if (defect === undefined) unexplained.push({ n, ours, theirs, message });
    else defects.add(defect);
  }
  return { believed, refused: options.count - believed, unexplained, defects: [...defects].toSorted() };
}

function believes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

describe.each([
  ['standardwebhooks', 'webhook', 3000, 1, StandardWebhook],
  ['svix', 'svix', 1500, 2, SvixWebhook],
] as const)('%s', (_, family, count, seed, Library) => {
  const scheme = { kind: 'standard-webhooks', headers: family } as const;
  const [ID, TIME, SIGNATURE] = [`${family}-id`, `${family}-timestamp`, `${family}-signature`];

  it(`agrees on ${count} random messages, its known defects apart`, async () => {
    const outcome = await compare({
      seed,
      count,
      make: (random) => {
        const secret = `whsec_${random.bytes(24 + random.int(41)).toString('base64')}`;
        const message = { headers: {}, body: randomBody(random) };
        const id = `msg_${random.pick(['', '', '', 'a.b'])}${random.int(1e9)}`;
        const timestampMs = randomTimestampMs(random);
        const headers = sign(scheme, secret, { id, timestampMs, body: message.body });
        if (random.int(2) === 0) headers[SIGNATURE] = new Library(secret).sign(id, new Date(timestampMs), message.body);
        return { message: { ...message, headers }, scheme, secret };
      },
      tampers: [
        body,
        drop(ID),
        drop(TIME),
        drop(SIGNATURE),
        edit(SIGNATURE, swapCharacter),
        edit(SIGNATURE, (value) => `v1,AAAA ${value} v1a,BBBB v2,x`),
        edit(SIGNATURE, (value) => `${'v1,AAAA '.repeat(20)}${value}`),
        edit(SIGNATURE, (value) => value.replace('v1,', 'v1a,')),
        edit(SIGNATURE, (value) => value.replace('v1,', 'v2,')),
        edit(SIGNATURE, (value) => value.slice(0, -1)),
        edit(SIGNATURE, (value) => `${value},more`),
        edit(ID, (value) => `${value}x`),
        edit(TIME, (value) => `${value}junk`),
        edit(TIME, (value) => `0${value}`),
        edit(TIME, (value) => String(Number(value) + 1)),
        edit(TIME, (value) => `-${value}`),
        edit(TIME, () => 'NaN'),
      ],
      library: (message, secret) =>
        believes(() => new Library(secret).verify(message.body, message.headers, { jsonParse: false })) ||
        // svix offers no way round its JSON.parse, which is no judgement on the signature
        (family === 'svix' && failsOnlyInJson(() => new Library(secret).verify(message.body, message.headers))),
      defect: ({ headers, body: bytes }) => {
        if (!isUtf8(bytes)) return 'decodes to text before the HMAC';
        if (!/^[1-9]\d{9}$/.test(headers[TIME] ?? '')) return 'parses a malformed timestamp';
        if ((headers[SIGNATURE] ?? '').split(' ').length > 16) return 'has no cap on signatures';
        if ((headers[ID] ?? '').includes('.')) return 'takes an ambiguous id';
        if (/,.*,/.test(headers[SIGNATURE] ?? '')) return 'ignores what follows a signature';
        return undefined;
      },
    });
    expect(outcome.unexplained).toEqual([]);
    expect(outcome.defects).toEqual([
      'decodes to text before the HMAC',
      'has no cap on signatures',
      'ignores what follows a signature',
      'parses a malformed timestamp',
      'takes an ambiguous id',
    ]);
    expect(Math.min(outcome.believed, outcome.refused)).toBeGreaterThan(count / 10);
  });
});

function failsOnlyInJson(check: () => unknown): boolean {
  try {
    check();
    return false;
  } catch (error) {
    return error instanceof Error && error.name === 'SyntaxError';
  }
}

describe('stripe', () => {
  const scheme = { kind: 'stripe' } as const;
  const HEADER = 'stripe-signature';

  it('agrees on 3000 random messages, its known defects apart', async () => {
    const outcome = await compare({
      seed: 3,
      count: 3000,
      make: (random) => {
        const secret = `whsec_${random.bytes(24).toString('base64url')}`;
        const bytes = randomBody(random);
        const timestampMs = randomTimestampMs(random);
        const theirs = (): string =>
          Stripe.webhooks.generateTestHeaderString({
            payload: bytes.toString(),
            secret,
            timestamp: timestampMs / 1000,
          });
        const headers =
          random.int(2) === 0 ? { [HEADER]: theirs() } : sign(scheme, secret, { id: '', timestampMs, body: bytes });
        return { message: { headers, body: bytes }, scheme, secret };
      },
      tampers: [
        body,
        drop(HEADER),
        edit(HEADER, (value) => value.replace('v1=', 'v0=')),
        edit(HEADER, (value) => value.replace('t=', 't=0')),
        edit(HEADER, (value) => value.replace(/t=(\d+)/, 't=$1junk')),
        edit(HEADER, (value) => value.replace(/t=(\d+)/, 't=$10')),
        edit(HEADER, (value) => value.replace(/t=\d+,/, '')),
        edit(HEADER, (value) => `t=1,${value}`),
        edit(HEADER, (value) => `${value.replace('v1=', 'v1=00,v1=')},v0=zz`),
        edit(HEADER, (value) => `${'v1=00,'.repeat(20)}${value}`),
        edit(HEADER, (value) => `${value}=more`),
        edit(HEADER, (value) => value.slice(0, -1)),
        edit(HEADER, (value) => value.replace(/v1=.*/, (hex) => hex.toUpperCase().replace('V1', 'v1'))),
        edit(HEADER, swapCharacter),
      ],
      library: (message, secret) =>
        believes(() =>
          Stripe.webhooks.signature!.verifyHeader(
            message.body,
            message.headers[HEADER] ?? '',
            secret,
            300,
            undefined,
            NOW_MS,
          ),
        ),
      defect: ({ headers, body: bytes }) => {
        const times = (headers[HEADER] ?? '').split(',').filter((entry) => entry.startsWith('t='));
        if (!isUtf8(bytes)) return 'decodes to text before the HMAC';
        if ((headers[HEADER] ?? '').split(',').length > 16) return 'has no cap on signatures';
        if (times.length > 1) return 'takes the last of several timestamps';
        if (!/^t=[1-9]\d{9}$/.test(times[0] ?? '')) return 'parses a malformed timestamp';
        if (/v1=[^,]*=/.test(headers[HEADER] ?? '')) return 'ignores what follows a signature';
        if (Number(times[0]!.slice(2)) * 1000 > NOW_MS + TOLERANCE_MS) return 'never rejects a future timestamp';
        return undefined;
      },
    });
    expect(outcome.unexplained).toEqual([]);
    expect(outcome.defects).toEqual([
      'decodes to text before the HMAC',
      'has no cap on signatures',
      'ignores what follows a signature',
      'never rejects a future timestamp',
      'parses a malformed timestamp',
      'takes the last of several timestamps',
    ]);
    expect(Math.min(outcome.believed, outcome.refused)).toBeGreaterThan(300);
  });
});

describe('@octokit/webhooks-methods', () => {
  const scheme = { kind: 'github' } as const;
  const HEADER = 'x-hub-signature-256';

  it('agrees on 2500 random messages, but that it takes text only', async () => {
    const outcome = await compare({
      seed: 4,
      count: 2500,
      make: async (random) => {
        const secret = random.bytes(16).toString('hex');
        const bytes = randomBody(random);
        const headers: Record<string, string> = sign(scheme, secret, { id: 'd-1', timestampMs: 0, body: bytes });
        if (random.int(2) === 0) headers[HEADER] = await githubSign(secret, bytes.toString());
        return { message: { headers, body: bytes }, scheme, secret };
      },
      tampers: [
        body,
        drop(HEADER),
        edit(HEADER, swapCharacter),
        edit(HEADER, (value) => value.replace('sha256=', 'sha1=')),
        edit(HEADER, (value) => value.slice('sha256='.length)),
        edit(HEADER, (value) => value.slice(0, -2)),
        edit(HEADER, (value) => `${value}00`),
      ],
      library: async (message, secret) => {
        try {
          return await githubVerify(secret, message.body.toString(), message.headers[HEADER] ?? '');
        } catch {
          return false;
        }
      },
      defect: ({ body: bytes }) => (isUtf8(bytes) ? undefined : 'takes text only'),
    });
    expect(outcome.unexplained).toEqual([]);
    expect(outcome.defects).toEqual(['takes text only']);
    expect(Math.min(outcome.believed, outcome.refused)).toBeGreaterThan(250);
  });
});
