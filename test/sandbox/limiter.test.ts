import { describe, expect, it } from '@jest/globals';
import { array, assert, integer, property } from 'fast-check';
import { createLimiter, limitHeaders, limitSchema } from '../../src/sandbox/limiter.ts';
import type { LimitInput } from '../../src/sandbox/limiter.ts';
import { createRequestLog, maxInAnyWindow } from '../../src/sandbox/request-log.ts';
import { sorted, start } from './support/api.ts';

const limiter = (input: LimitInput = {}) => createLimiter(limitSchema.parse(input));
const verdicts = (input: LimitInput, times: readonly number[]): boolean[] => {
  const { take } = limiter(input);
  return times.map((at) => take(at).allowed);
};

describe('the sliding window', () => {
  it('admits the rate in any window and again exactly one window later', () => {
    const times = [0, 0, 500, 999, 999.9, 1_000, 1_000, 1_000, 1_500, 1_500];
    expect(verdicts({ rate: 3 }, times)).toEqual([true, true, true, false, false, true, true, false, true, false]);
  });

  it('never admits more than the rate in any window, and never refuses below it', () => {
    assert(
      property(integer({ min: 1, max: 20 }), array(integer({ min: 0, max: 400 }), { maxLength: 200 }), (rate, gaps) => {
        const { take } = limiter({ rate });
        const admitted: number[] = [];
        let at = 0;
        for (const gap of gaps) {
          at += gap;
          const inWindow = admitted.filter((earlier) => earlier > at - 1_000).length;
          const { allowed, remaining } = take(at);
          expect(allowed).toBe(inWindow < rate);
          expect(remaining).toBe(Math.max(0, rate - inWindow - 1));
          if (allowed) admitted.push(at);
        }
      }),
    );
  });

  it('with a burst admits it after a quiet time, and the rate in the long run', () => {
    const input = { rate: 10, burst: 20 };
    const flood = Array.from({ length: 1_001 }, (_, index) => index * 10);
    const admitted = verdicts(input, flood).filter(Boolean).length;
    expect(verdicts(input, Array<number>(25).fill(0)).filter(Boolean)).toHaveLength(20);
    expect(admitted).toBeGreaterThanOrEqual(118);
    expect(admitted).toBeLessThanOrEqual(120);
  });
});

describe('the fixed window', () => {
  it('starts anew at each full window', () => {
    expect(verdicts({ rate: 2, form: 'fixed' }, [900, 950, 990, 1_000, 1_001, 1_999, 2_000])).toEqual([
      true,
      true,
      false,
      true,
      true,
      false,
      true,
    ]);
    expect(limiter({ form: 'fixed' }).take(1_250).resetInMs).toBe(750);
  });
});

describe('the limit on concurrency', () => {
  it('admits again once a request is over', () => {
    const { take, release } = limiter({ rate: 2, form: 'concurrency' });
    expect([take(0), take(0), take(0)].map(({ allowed }) => allowed)).toEqual([true, true, false]);
    release();
    expect(take(0)).toEqual({ allowed: true, limit: 2, remaining: 0, resetInMs: 1_000 });
  });

  it('counts requests under way over HTTP', async () => {
    const api = await start({ limit: { rate: 2, form: 'concurrency' } });
    api.sandbox.faults({ rules: [{ kind: 'latency', path: '/v3/jobs', at: 'after', ms: 1_000 }] });
    const replies = await Promise.all(Array.from({ length: 4 }, () => api.call('GET', '/v3/jobs')));
    expect(sorted(replies.map(({ status }) => status))).toEqual(['200', '200', '429', '429']);
    expect(replies[0]?.headers.get('ratelimit-policy')).toBe('"default";q=2;qu="concurrent-requests"');
    expect((await api.call('GET', '/v3/jobs')).status).toBe(200);
  });
});

describe('limitHeaders', () => {
  const refused = { allowed: false, limit: 10, remaining: 0, resetInMs: 1_400 };
  const nowMs = Date.parse('2026-11-23T12:00:00.500Z');

  it('says the limit in both ways, and when to come back', () => {
    expect(limitHeaders(limitSchema.parse({ windowMs: 60_000 }), refused, nowMs)).toEqual({
      'X-RateLimit-Limit': '10',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': String(Math.ceil((nowMs + 1_400) / 1_000)),
      RateLimit: '"default";r=0;t=2',
      'RateLimit-Policy': '"default";q=10;w=60',
      'Retry-After': '2',
    });
  });

  it('never says to come back too early, as a date either', () => {
    const headers = limitHeaders(limitSchema.parse({ announce: false, retryAfter: 'date' }), refused, nowMs);
    expect(headers).toEqual({ 'Retry-After': 'Mon, 23 Nov 2026 12:00:03 GMT' });
  });

  it('can say nothing at all', () => {
    expect(limitHeaders(limitSchema.parse({ announce: false, retryAfter: 'none' }), refused, nowMs)).toEqual({});
  });
});

describe('the limit over HTTP', () => {
  it('is 10 per sliding second unless told otherwise: 20 at once get 10 answers and 10 refusals', async () => {
    const api = await start({ limit: {} });
    const replies = await Promise.all(Array.from({ length: 20 }, () => api.call('GET', '/v3/jobs')));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(10);
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    expect(refused[0]).toMatchObject({ json: { error: { code: 'RATE_LIMITED' } } });
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect(refused[0]?.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(api.sandbox.requests().filter(({ limited }) => limited)).toHaveLength(10);
  });

  it('refuses a small body without giving up the connection, a large one with', async () => {
    const api = await start({ limit: { rate: 1, windowMs: 60_000 } });
    await api.call('GET', '/v3/jobs');
    const small = await api.submit('x');
    const large = await api.submit('x'.repeat(5_000_000));
    expect([small.status, small.headers.get('connection')]).toEqual([429, 'keep-alive']);
    expect([large.status, large.headers.get('connection')]).toEqual([429, 'close']);
  });

  it('changes at run time, announced or not', async () => {
    const api = await start({ limit: { rate: 1_000 } });
    api.sandbox.faults({ limit: { rate: 1, windowMs: 60_000, announce: false } });
    const replies = [await api.call('GET', '/v3/jobs'), await api.call('GET', '/v3/jobs')];
    expect(replies.map(({ status }) => status)).toEqual([200, 429]);
    expect(replies[1]?.headers.get('x-ratelimit-limit')).toBeNull();
    expect(replies[1]?.headers.get('ratelimit')).toBeNull();
    api.sandbox.clearFaults();
    expect((await api.call('GET', '/v3/jobs')).headers.get('x-ratelimit-limit')).toBe('1000');
  });
});

describe('the request log', () => {
  it('forgets the oldest beyond its capacity and says how many', () => {
    const log = createRequestLog(3);
    for (let at = 1; at <= 5; at += 1) log.open('GET', `/${at}`, at);
    expect(log.list().map(({ seq, path }) => [seq, path])).toEqual([
      [3, '/3'],
      [4, '/4'],
      [5, '/5'],
    ]);
    expect(log.forgotten()).toBe(2);
    log.clear();
    log.open('GET', '/6', 6);
    expect(log.list()).toMatchObject([{ seq: 7, path: '/6' }]);
    expect(log.list({ accepted: true })).toEqual([]);
  });

  it('finds the busiest window whatever the order', () => {
    const log = createRequestLog();
    for (const at of [2_000, 0, 500, 999, 1_000, 1_499]) log.open('GET', '/', at);
    expect(maxInAnyWindow(log.list(), 1_000)).toBe(4);
    expect(maxInAnyWindow([], 1_000)).toBe(0);
  });
});
