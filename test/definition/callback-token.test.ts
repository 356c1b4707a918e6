import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { assert, integer, property, stringMatching } from 'fast-check';
import { KEY_PATTERN } from '../../src/contracts/ids.ts';
import { callbackUrl, issueCallbackToken, readCallbackToken } from '../../src/definition/callback-token.ts';

const SECRET = 'a token secret of 32 characters!';
const OTHER = 'another token secret, 32 letters';
const job = { service: 'docproc', key: 'invoice-7', generation: 2 };
const token = issueCallbackToken(SECRET, job);
const [payload = '', signature = ''] = token.split('.');

/** A token with a payload of one's own, correctly signed. */
function tokenOf(text: string): string {
  const encoded = Buffer.from(text).toString('base64url');
  const mac = createHmac('sha256', SECRET).update('playbook-callback-token.').update(encoded).digest().subarray(0, 16);
  return `${encoded}.${mac.toString('base64url')}`;
}

describe('a callback token', () => {
  it('names the job it was issued for, whatever its key', () => {
    const key = stringMatching(KEY_PATTERN);
    assert(
      property(key, integer({ min: 1, max: 999_999_999 }), (anyKey, generation) => {
        const any = { service: 'docproc', key: anyKey, generation };
        expect(readCallbackToken([SECRET], issueCallbackToken(SECRET, any))).toEqual(any);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('names the batch as well, and fits for the longest names', () => {
    const batch = { service: 'x'.repeat(40), name: 'n'.repeat(64), part: 99_999 };
    const batched = { service: batch.service, key: 'k/'.repeat(100), generation: 999_999_999, batch };
    const issued = issueCallbackToken(SECRET, batched);
    expect(readCallbackToken([SECRET], issued)).toEqual(batched);
    expect(issued.length).toBeLessThan(512);
    expect(readCallbackToken([SECRET], tokenOf('2/docproc/1/na me/0/key'))).toBeUndefined();
    expect(readCallbackToken([SECRET], tokenOf('2/docproc/1/name/x/key'))).toBeUndefined();
    expect(readCallbackToken([SECRET], tokenOf('2/docproc/1/name/0/'))).toBeUndefined();
  });

  it('fits a URL path and stays short', () => {
    const longest = issueCallbackToken(SECRET, {
      service: 'x'.repeat(40),
      key: 'k'.repeat(200),
      generation: 999_999_999,
    });
    expect(longest).toMatch(/^[\w-]+\.[\w-]{22}$/);
    expect(longest.length).toBeLessThan(400);
    expect(readCallbackToken([SECRET], longest)?.key).toHaveLength(200);
  });

  it('is read with any of several secrets, so that they can be rotated', () => {
    expect(readCallbackToken([OTHER, SECRET], token)).toEqual(job);
    expect(readCallbackToken([OTHER], token)).toBeUndefined();
    expect(readCallbackToken([], token)).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['no signature', payload],
    ['an empty signature', `${payload}.`],
    ['a part too many', `${token}.x`],
    ['a cut signature', token.slice(0, -2)],
    ['a longer signature', `${token}AAAA`],
    ['a padded signature', `${token}==`],
    [
      'a signature in another way of writing',
      `${payload}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : String.fromCharCode(signature.charCodeAt(21) + 1)}`,
    ],
    ['another payload', `${Buffer.from('1/docproc/2/invoice-8').toString('base64url')}.${signature}`],
    ['a signed payload of another version', tokenOf('2/docproc/2/invoice-7')],
    ['a signed payload without key', tokenOf('1/docproc/2')],
    ['a signed payload without generation', tokenOf('1/docproc')],
    ['a signed payload with a service that is none', tokenOf('1/DOCPROC/2/invoice-7')],
    ['a signed payload with generation 0', tokenOf('1/docproc/0/invoice-7')],
    ['a signed payload with a key that breaks the rule', tokenOf('1/docproc/2/in voice')],
    ['something endless', `${'x'.repeat(5000)}.${signature}`],
  ])('is not taken when it is %s', (_, forged) => {
    expect(readCallbackToken([SECRET], forged)).toBeUndefined();
  });

  it('needs a secret worth the name', () => {
    expect(() => issueCallbackToken('short', job)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('webhook.token_secret') }),
    );
  });
});

it('a callback URL has the service, and the token where there is one', () => {
  expect(callbackUrl('https://hooks.example.com/', 'docproc')).toBe('https://hooks.example.com/webhooks/docproc');
  expect(callbackUrl('https://hooks.example.com', 'docproc', 'a.b')).toBe(
    'https://hooks.example.com/webhooks/docproc/a.b',
  );
});
