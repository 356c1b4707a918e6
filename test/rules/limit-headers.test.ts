import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { MAX_WAIT_MS, readLimits, readReset, readRetryAfter } from '../../src/rules/limit-headers.ts';

const now = Date.UTC(2026, 10, 23, 18, 0, 0);
const epoch = now / 1000;

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    ['1.5', 1500],
    ['30, 30', 30_000],
    ['5, 60', 60_000],
    ['Mon, 23 Nov 2026 18:00:30 GMT', 30_000],
    ['Monday, 23-Nov-26 18:00:30 GMT', 30_000],
    ['Mon Nov 23 18:00:30 2026', 30_000],
    ['Mon, 23 Nov 2026 17:00:00 GMT', 0],
    ['99999999999999999999', MAX_WAIT_MS],
    ['Fri, 31 Dec 9999 23:59:59 GMT', MAX_WAIT_MS],
  ])('%s is %d ms', (value, expected) => {
    expect(readRetryAfter(value, now)).toBe(expected);
  });

  it.each([
    '',
    ' ',
    '-5',
    'soon',
    '1e3',
    '0x10',
    '5s',
    'Mon, 32 Nov 2026 18:00:30 GMT',
    'Mon, 23 Nov 2026 18:00:30 CET',
    '5,',
  ])('"%s" is ignored', (value) => {
    expect(readRetryAfter(value, now)).toBeUndefined();
  });

  it('stands beside what the other headers say', () => {
    const headers = { 'retry-after': '7', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2' };
    expect(readLimits(headers, now)).toEqual({ retryAfterMs: 7000, remaining: 0, resetMs: 2000 });
  });
});

describe('the IETF fields', () => {
  it.each<[string, Record<string, string>, object]>([
    [
      'limit and policy by name',
      { 'ratelimit-policy': '"default";q=100;w=60', ratelimit: '"default";r=50;t=30' },
      { limit: 100, remaining: 50, resetMs: 30_000, windowMs: 60_000 },
    ],
    [
      'bare tokens as names',
      { 'ratelimit-policy': 'default;q=100;w=10', ratelimit: 'default;r=9;t=1' },
      { limit: 100, remaining: 9, resetMs: 1000, windowMs: 10_000 },
    ],
    [
      'the policy that lets the fewest through',
      {
        'ratelimit-policy': '"burst";q=100;w=60,"daily";q=1000;w=86400',
        ratelimit: '"burst";r=90;t=10, "daily";r=5;t=50000',
      },
      { limit: 1000, remaining: 5, resetMs: 50_000_000, windowMs: 86_400_000 },
    ],
    [
      'of two spent policies the longer',
      { ratelimit: '"a";r=0;t=10,"b";r=0;t=90,"c";r=0;t=20' },
      { remaining: 0, resetMs: 90_000 },
    ],
    ['no t', { ratelimit: '"default";r=5' }, { remaining: 5 }],
    ['a partition key', { ratelimit: '"default";r=5;t=3;pk=:dHJpYWwxMjEzMjM=:' }, { remaining: 5, resetMs: 3000 }],
    [
      'the policy alone',
      { 'ratelimit-policy': '"day";q=1000;w=86400,"burst";q=10;w=60' },
      { limit: 1000, windowMs: 86_400_000 },
    ],
    [
      'draft 07',
      { 'ratelimit-policy': '100;w=60', ratelimit: 'limit=100, remaining=40, reset=20' },
      { limit: 100, remaining: 40, resetMs: 20_000 },
    ],
    [
      'drafts 00 to 06',
      { 'ratelimit-limit': '100, 100;w=60', 'ratelimit-remaining': '40', 'ratelimit-reset': '20' },
      { limit: 100, remaining: 40, resetMs: 20_000 },
    ],
    [
      'a quota of bytes, which says nothing of requests',
      { 'ratelimit-policy': '"bytes";q=1000;w=60;qu="content-bytes"', ratelimit: '"bytes";r=1;t=60' },
      {},
    ],
    ['absurd t', { ratelimit: '"default";r=5;t=999999999999' }, { remaining: 5, resetMs: MAX_WAIT_MS }],
  ])('%s', (_, headers, expected) => {
    expect(readLimits(headers, now)).toEqual(expected);
  });

  it.each([
    '',
    '"default',
    '"default";r',
    '"default";r=;t=5',
    '"default";r=5,',
    ',"default";r=5',
    '"default" r=5',
    '"de\u0001f";r=5',
    '"default";R=5',
    'limit=x, remaining=',
    '"default";r=-5',
    '"default";r=1.5',
    '"default";r="5"',
    '"default";r=1234567890123456',
  ])('"%s" is ignored', (ratelimit) => {
    expect(readLimits({ ratelimit }, now)).toEqual({});
  });
});

describe('the X- families', () => {
  it.each([
    ['x-ratelimit-remaining', 'x-ratelimit-reset', 'x-ratelimit-limit'],
    ['x-rate-limit-remaining', 'x-rate-limit-reset', 'x-rate-limit-limit'],
    ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests', 'x-ratelimit-limit-requests'],
  ])('are read: %s', (remaining, reset, limit) => {
    expect(readLimits({ [remaining]: '3', [reset]: '6m0s', [limit]: '60' }, now)).toEqual({
      limit: 60,
      remaining: 3,
      resetMs: 360_000,
    });
  });

  it.each<[string, Parameters<typeof readReset>[2], number | undefined]>([
    ['30', 'auto', 30_000],
    ['0.25', 'auto', 250],
    ['9999999', 'auto', MAX_WAIT_MS],
    [String(epoch + 30), 'auto', 30_000],
    [String(epoch - 30), 'auto', 0],
    [String(now + 1500), 'auto', 1500],
    ['50000000', 'auto', undefined],
    ['500000000000', 'auto', undefined],
    ['6m0s', 'auto', 360_000],
    ['1h2m3.5s', 'auto', 3_723_500],
    ['20ms', 'auto', 20],
    ['1s20ms', 'auto', 1020],
    ['90m', 'auto', 5_400_000],
    ['2026-11-23T18:00:30Z', 'auto', 30_000],
    ['2026-11-23T19:00:30.5+01:00', 'auto', 30_500],
    ['Mon, 23 Nov 2026 18:00:30 GMT', 'auto', 30_000],
    ['2026-13-45T99:00:00Z', 'auto', undefined],
    ['', 'auto', undefined],
    ['s', 'auto', undefined],
    ['-1', 'auto', undefined],
    ['NaN', 'auto', undefined],
    ['30', 'delta-seconds', 30_000],
    ['30', 'delta-ms', 30],
    [String(epoch + 5), 'epoch-seconds', 5000],
    [String(now + 5), 'epoch-ms', 5],
    // What the heuristics would misread is what the override is for.
    [String(epoch + 30), 'delta-ms', MAX_WAIT_MS],
    ['100000000', 'delta-seconds', MAX_WAIT_MS],
  ])('reset "%s" as %s is %s ms', (value, format, expected) => {
    expect(readReset(value, now, format)).toBe(expected);
  });

  it('the strictest family counts where several are sent', () => {
    const headers = { 'x-ratelimit-remaining': '50', 'x-ratelimit-reset': '10', ratelimit: '"default";r=2;t=10' };
    expect(readLimits(headers, now)).toEqual({ remaining: 2, resetMs: 10_000 });
  });

  it.each(['-1', 'unlimited', '', '1.5', '0x5'])('remaining "%s" is ignored', (value) => {
    expect(readLimits({ 'x-ratelimit-remaining': value }, now)).toEqual({});
  });
});

it('no header whatever throws or yields a value out of range', () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({
      unit: fc.constantFrom('"', ';', '=', ',', ' ', 'r', 't', 'q', 'w', '0', '5', '9', ':', '-', '.', 'm', 's', 'h'),
    }),
  );
  const names = [
    'retry-after',
    'ratelimit',
    'ratelimit-policy',
    'ratelimit-reset',
    'x-ratelimit-reset',
    'x-ratelimit-remaining',
    'x-rate-limit-limit',
  ];
  fc.assert(
    fc.property(fc.record(Object.fromEntries(names.map((name) => [name, value]))), (headers) => {
      const reading = readLimits(headers, now);
      for (const waitMs of [reading.retryAfterMs ?? 0, reading.resetMs ?? 0]) {
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(MAX_WAIT_MS);
      }
      for (const number of Object.values(reading)) expect(Number.isFinite(number) && number >= 0).toBe(true);
    }),
    { numRuns: 2000, seed: 20261123 },
  );
});
