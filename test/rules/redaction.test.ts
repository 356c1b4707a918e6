import { describe, expect, it } from '@jest/globals';
import { isSensitiveName, redactHeaders, redactText, redactValue } from '../../src/rules/redaction.ts';
import type { Classified } from '../../src/rules/redaction.ts';

describe('sensitive names', () => {
  it.each([
    'authorization',
    'Proxy-Authorization',
    'Cookie',
    'set-cookie',
    'x-api-key',
    'apiKey',
    'API_KEY',
    'api_key',
    'access_token',
    'refreshToken',
    'X-Vault-Token',
    'client_secret',
    'clientSecret',
    'secrets',
    'password',
    'private_key',
    'webhook-signature',
    'X-Hub-Signature-256',
    'Stripe-Signature',
    'client_assertion',
    'credentials',
    'cvv',
  ])('%s is one', (name) => {
    expect(isSensitiveName(name)).toBe(true);
  });

  it.each([
    'idempotency-key',
    'Idempotency-Key',
    'key',
    'token_url',
    'token_type',
    'max_tokens',
    'secretary',
    'cookies_accepted',
    'id',
    'x-request-id',
    'signature-version',
    'webhook-id',
  ])('%s is none', (name) => {
    expect(isSensitiveName(name)).toBe(false);
  });
});

describe('redactText', () => {
  it.each([
    ['https://user:pa55@host/p?a=1', 'https://[redacted]@host/p?a=1'],
    ['GET /x?a=1&access_token=abc&b=2', 'GET /x?a=1&access_token=[redacted]&b=2'],
    ['got Bearer abc123.def', 'got Bearer [redacted]'],
    ['authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'authorization: Basic [redacted]'],
    ['a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln b', 'a [redacted] b'],
    ['secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'secret [redacted]'],
    ['x -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- y', 'x [redacted] y'],
    ['cut -----BEGIN RSA PRIVATE KEY-----\nMIIE', 'cut [redacted]'],
    ['body {"password":"p\\"w","a":"b"}', 'body {"password":"[redacted]","a":"b"}'],
    ['"{\\"client_secret\\": \\"abc\\"}"', '"{\\"client_secret\\": \\"[redacted]\\"}"'],
    [
      'https://x.example/webhooks/docproc/MS9kb2Nwcm9jLzEva2V5.AAAAAAAAAAAAAAAAAAAAAA ok',
      'https://x.example/webhooks/docproc/[redacted] ok',
    ],
  ])('%j → %j', (text, safe) => {
    expect(redactText(text)).toBe(safe);
  });

  it.each([
    'Basic authentication failed; a Bearer token is needed',
    'the token endpoint auth.example answered 500',
    'mail a@b.example about https://host/path@2',
    '{"key":"value","tokens":3}',
    'a=1&b=2',
  ])('leaves %j as it is', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('takes time in proportion to the text', () => {
    const hostile = [
      '"a":"'.repeat(20_000),
      'eyJ'.repeat(40_000),
      'https://'.repeat(15_000),
      '-----BEGIN PRIVATE KEY-----'.repeat(4000),
    ];
    const startedMs = performance.now();
    for (const text of hostile) redactText(text);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});

describe('redactValue', () => {
  it('replaces sensitively named fields wherever they are, and cleans every text', () => {
    expect(
      redactValue({
        a: [{ password: 'p', note: 'Bearer abc123' }],
        nested: { headers: { Authorization: 'x', 'Idempotency-Key': 'k1' } },
        token: 12345,
        hasToken: true,
        secret: null,
      }),
    ).toEqual({
      a: [{ password: '[redacted]', note: 'Bearer [redacted]' }],
      nested: { headers: { Authorization: '[redacted]', 'Idempotency-Key': 'k1' } },
      token: '[redacted]',
      hasToken: true,
      secret: null,
    });
  });

  it('replaces classified values by their class, whatever their type', () => {
    const person: Classified = {
      child: (key) => (key === 'name' ? leaf('pii') : key === 'illness' ? leaf('phi') : undefined),
    };
    const people: Classified = { child: () => person };
    expect(redactValue([{ name: 'Ann', illness: { code: 1 }, id: 7 }, { name: null }], people)).toEqual([
      { name: '[redacted: pii]', illness: '[redacted: phi]', id: 7 },
      { name: null },
    ]);
  });

  it('makes anything into plain data', () => {
    const cause = new TypeError('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
    const error = Object.assign(new Error('token=abc', { cause }), { code: 'E1', request: { password: 'p' } });
    delete error.stack;
    delete cause.stack;
    expect(redactValue({ error })).toEqual({
      error: {
        type: 'Error',
        message: 'token=[redacted]',
        code: 'E1',
        request: { password: '[redacted]' },
        cause: { type: 'TypeError', message: 'Basic [redacted]' },
      },
    });
    expect(
      redactValue({
        url: new URL('https://u:p@h/'),
        date: new Date(0),
        bad: new Date(Number.NaN),
        bytes: new Uint8Array(3),
        big: 5n,
        map: new Map([['token', 'x']]),
        set: new Set(['a']),
        run: () => 1,
        none: undefined,
      }),
    ).toEqual({
      url: 'https://[redacted]@h/',
      date: '1970-01-01T00:00:00.000Z',
      bad: 'Invalid Date',
      bytes: '[3 bytes]',
      big: '5',
      map: { token: '[redacted]' },
      set: ['a'],
      run: undefined,
      none: undefined,
    });
    expect((redactValue(new Error('x')) as { stack: string }).stack).toContain('redaction.test');
  });

  it('stops at circles and keeps a field named __proto__ a field', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(JSON.stringify(redactValue(circle))).toContain('"[redacted]"');
    const safe = redactValue(JSON.parse('{"__proto__":{"admin":true}}')) as { admin?: boolean };
    expect(safe.admin).toBeUndefined();
    expect(JSON.stringify(safe)).toBe('{"__proto__":{"admin":true}}');
  });
});

describe('redactHeaders', () => {
  it('keeps names and harmless values', () => {
    expect(
      redactHeaders({ authorization: 'Bearer x', cookie: ['a', 'b'], accept: 'a/b', 'idempotency-key': 'k' }),
    ).toEqual({
      authorization: '[redacted]',
      cookie: '[redacted]',
      accept: 'a/b',
      'idempotency-key': 'k',
    });
  });
});

function leaf(dataClass: 'pii' | 'phi'): Classified {
  return { dataClass, child: () => undefined };
}
