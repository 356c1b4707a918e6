import { describe, expect, it } from '@jest/globals';
import { PlaybookError } from '../../../src/contracts/errors.ts';
import type { HmacScheme, WebhookScheme } from '../../../src/contracts/webhook-scheme.ts';
import { createVerifier, sign } from '../../../src/webhooks/schemes/index.ts';
import { flat } from '../helpers/headers.ts';

const NOW_MS = 1_800_000_000_000;
const base64 = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64');
const kind = (
  name: 'standard-webhooks' | 'standard-webhooks-ed25519' | 'stripe' | 'github' | 'slack',
): WebhookScheme => ({
  kind: name,
});
const generic: HmacScheme = {
  kind: 'hmac',
  signatureHeader: 'X-Signature',
  encoding: 'hex',
  template: '{id}.{timestamp}.{body}',
  idHeader: 'X-Id',
  timestampHeader: 'X-Time',
};
const KEY = 'sixteen bytes!!!';

function errorOf(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a secret that cannot be meant', () => {
  it.each([
    ['none at all', kind('standard-webhooks'), [], 'No webhook secret is given.'],
    ['an empty one', kind('standard-webhooks'), [''], 'holds 0 bytes, at least 24'],
    ['only the prefix', kind('standard-webhooks'), ['whsec_'], 'holds 0 bytes, at least 24'],
    ['one of 23 bytes', kind('standard-webhooks'), [`whsec_${base64(23)}`], 'holds 23 bytes, at least 24'],
    ['one that is not base64', kind('standard-webhooks'), ['whsec_not base64 at all, but long'], 'is not base64'],
    ['a public key where HMAC is meant', kind('standard-webhooks'), [`whpk_${base64(32)}`], 'is not base64'],
    [
      'an HMAC secret where a public key is meant',
      kind('standard-webhooks-ed25519'),
      [`whsec_${base64(32)}`],
      'does not begin with whpk_',
    ],
    ['a public key of 31 bytes', kind('standard-webhooks-ed25519'), [`whpk_${base64(31)}`], 'holds 31 bytes'],
    ['a public key of 64 bytes', kind('standard-webhooks-ed25519'), [`whpk_${base64(64)}`], 'an ed25519 key has 32'],
    ['a short one beside a good one', kind('stripe'), ['whsec_test_secret', 'whsec_'], 'holds 6 bytes, at least 16'],
    ['an empty GitHub one', kind('github'), [''], 'holds 0 bytes'],
    ['a short Slack one', kind('slack'), ['short'], 'holds 5 bytes'],
    ['one that is not hex', { ...generic, key: 'hex' }, ['zz'.repeat(16)], 'is not hex'],
  ] as const)('is refused when the verifier is made: %s', (_, scheme, secrets, problem) => {
    const error = errorOf(() => createVerifier(scheme, secrets));
    expect(error).toBeInstanceOf(PlaybookError);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(problem) });
    const leaked = secrets.filter((secret) => secret.length > 8 && (error as Error).message.includes(secret));
    expect(leaked).toEqual([]);
  });
});

describe('a template that could be read in two ways', () => {
  it.each([
    [{ template: '{id}.{timestamp}' }, 'must end with {body}'],
    [{ template: '{body}.{body}' }, 'must end with {body} and hold it once'],
    [{ template: '{id}{id}.{timestamp}.{body}' }, 'once each'],
    [{ template: '{id}.{body}', idHeader: undefined, timestampHeader: undefined }, 'idHeader must name its header'],
    [{ template: '{timestamp}.{body}', timestampHeader: undefined }, 'timestampHeader must name its header'],
    [{ template: '{id}.{body}' }, 'would be unsigned'],
    [{ template: '{id}{timestamp}.{body}' }, 'needs a separator after {id}'],
    [{ template: '{timestamp}.{id}{body}' }, 'needs a separator after {id}'],
  ])('is refused when the verifier is made: %j', (change, problem) => {
    const scheme = { ...generic, ...change } as HmacScheme;
    expect(errorOf(() => createVerifier(scheme, [KEY]))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(problem),
    });
  });
});

describe('the configurable scheme', () => {
  const body = Buffer.from('{"a":1}');

  it.each<[string, HmacScheme, string]>([
    ['id, time and body, in hex', generic, KEY],
    ['SHA-512 in base64 with a prefix', { ...generic, algorithm: 'sha512', encoding: 'base64', prefix: 'sig ' }, KEY],
    ['a key written in hex', { ...generic, key: 'hex' }, Buffer.from(KEY).toString('hex').toUpperCase()],
    [
      'a key written in unpadded base64',
      { ...generic, key: 'base64' },
      Buffer.from(KEY).toString('base64').replace(/=+$/, ''),
    ],
    ['a time in milliseconds', { ...generic, timestampUnit: 'ms' }, KEY],
    ['time and body side by side', { ...generic, template: '{timestamp}{body}' }, KEY],
  ])('believes what its own signer wrote: %s', (_, scheme, secret) => {
    const rawHeaders = flat(sign(scheme, secret, { id: 'evt_1', timestampMs: NOW_MS, body }));
    const verify = createVerifier(scheme, [secret]);
    expect(verify({ rawHeaders, body, nowMs: NOW_MS, toleranceMs: 1000 })).toEqual({
      ok: true,
      eventId: 'evt_1',
      timestampMs: NOW_MS,
    });
    const other = Buffer.from('{"a":2}');
    expect(verify({ rawHeaders, body: other, nowMs: NOW_MS, toleranceMs: 1000 })).toEqual({
      ok: false,
      reason: 'signature_mismatch',
    });
  });

  it('needs no id where the id is not signed', () => {
    const verify = createVerifier({ kind: 'github' }, [KEY]);
    const { 'x-hub-signature-256': signature = '' } = sign({ kind: 'github' }, KEY, { id: 'x', timestampMs: 0, body });
    const rawHeaders = flat({ 'x-hub-signature-256': signature });
    expect(verify({ rawHeaders, body, nowMs: NOW_MS, toleranceMs: 1 })).toEqual({
      ok: true,
      eventId: undefined,
      timestampMs: undefined,
    });
  });
});

it('a private ed25519 key written as seed and public key signs the same', () => {
  const seed = Buffer.alloc(32, 1);
  const input = { id: 'evt_1', timestampMs: NOW_MS, body: Buffer.from('{}') };
  const scheme = kind('standard-webhooks-ed25519');
  const long = `whsk_${Buffer.concat([seed, Buffer.alloc(32, 9)]).toString('base64')}`;
  expect(sign(scheme, long, input)).toEqual(sign(scheme, `whsk_${seed.toString('base64')}`, input));
});
