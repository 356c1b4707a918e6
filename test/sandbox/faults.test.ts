import { describe, expect, it } from '@jest/globals';
import { applyDrift } from '../../src/sandbox/faults/drift.ts';
import { compilePathPattern } from '../../src/sandbox/path-pattern.ts';
import { SandboxError } from '../../src/sandbox/index.ts';
import { start, token } from './support/api.ts';
import type { Caller, Json } from './support/api.ts';

const JOBS = '/v3/jobs';
const statuses = async (api: Caller, times: number): Promise<number[]> => {
  const seen: number[] = [];
  for (let index = 0; index < times; index += 1) seen.push((await api.call('GET', JOBS)).status);
  return seen;
};
const elapsed = async (work: Promise<unknown>): Promise<number> => {
  const startedMs = performance.now();
  await work;
  return performance.now() - startedMs;
};

describe('error faults', () => {
  it('hit a number of times, after letting some pass', async () => {
    const api = await start();
    api.sandbox.faults({ rules: [{ kind: 'error', path: JOBS, status: 503, skip: 1, count: 2, retryAfterS: 7 }] });
    expect(await statuses(api, 5)).toEqual([200, 503, 503, 200, 200]);
  });

  it('carry a code and Retry-After', async () => {
    const api = await start();
    api.sandbox.faults({ rules: [{ kind: 'error', status: 503, code: 'MAINTENANCE', retryAfterS: 7 }] });
    const reply = await api.call('GET', JOBS);
    expect(reply).toMatchObject({ status: 503, json: { error: { code: 'MAINTENANCE' } } });
    expect(reply.headers.get('retry-after')).toBe('7');
  });

  it('hit a share that follows from the seed', async () => {
    const rule = { kind: 'error', path: JOBS, status: 500, rate: 0.5 } as const;
    const runs: number[][] = [];
    for (const seed of [7, 7, 8]) {
      const api = await start({ seed, faults: { rules: [rule] } });
      runs.push(await statuses(api, 20));
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
    expect(runs[0]).toContain(200);
    expect(runs[0]).toContain(500);
  });

  it('match method and path only', async () => {
    const api = await start();
    api.sandbox.faults({ rules: [{ kind: 'error', method: 'POST', path: '/v3/jobs/*/cancel', status: 502 }] });
    expect((await api.call('POST', '/v3/jobs/x/cancel')).status).toBe(502);
    expect((await api.call('GET', '/v3/jobs/x/cancel')).status).toBe(405);
    expect((await api.call('GET', '/v3/jobs/x')).status).toBe(404);
  });

  it('after the work was done leave the job behind', async () => {
    const api = await start();
    const input = await api.upload(Buffer.from('a'));
    api.sandbox.faults({ rules: [{ kind: 'error', method: 'POST', at: 'after', status: 500, count: 1 }] });
    expect((await api.submit(input, {}, 'key')).status).toBe(500);
    const retried = await api.submit(input, {}, 'key');
    expect(retried.status).toBe(202);
    expect(retried.headers.get('idempotent-replayed')).toBe('true');
    expect(api.sandbox.requests({ accepted: true })).toMatchObject([{ status: 500, faults: 'error', accepted: true }]);
  });
});

describe('connection faults', () => {
  it('reset before the request was looked at: no job', async () => {
    const api = await start();
    const input = await api.upload(Buffer.from('a'));
    api.sandbox.faults({ rules: [{ kind: 'reset', method: 'POST', count: 1 }] });
    await expect(api.submit(input)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(api.sandbox.requests({ accepted: true })).toEqual([]);
    expect(api.sandbox.requests({ path: (path) => path === JOBS })).toMatchObject([{ status: 0, faults: 'reset' }]);
  });

  it('reset after the request was processed: the job is there', async () => {
    const api = await start();
    const input = await api.upload(Buffer.from('a'));
    api.sandbox.faults({ rules: [{ kind: 'reset', method: 'POST', at: 'after', count: 1 }] });
    await expect(api.submit(input, {}, 'key')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(api.sandbox.requests({ accepted: true })).toMatchObject([{ status: 0, key: 'key' }]);
    expect((await api.submit(input, {}, 'key')).headers.get('idempotent-replayed')).toBe('true');
  });

  it('truncate a body', async () => {
    const api = await start();
    api.sandbox.faults({ rules: [{ kind: 'truncate', path: JOBS, keepBytes: 10, count: 1 }] });
    await expect(api.call('GET', JOBS)).rejects.toThrow('terminated');
    expect((await api.call('GET', JOBS)).status).toBe(200);
  });

  it('drip a body, and stop when the caller leaves', async () => {
    const api = await start();
    api.sandbox.faults({ rules: [{ kind: 'drip', path: JOBS, chunkBytes: 10, everyMs: 20 }] });
    const whole = api.call('GET', JOBS);
    expect(await elapsed(whole)).toBeGreaterThan(80);
    expect((await whole).json).toEqual({ data: [], has_more: false, next_cursor: null });
    const headers = { authorization: `Bearer ${await token(api.sandbox)}` };
    const impatient = fetch(api.sandbox.url + JOBS, { headers, signal: AbortSignal.timeout(30) });
    await expect(impatient.then((response) => response.text())).rejects.toThrow('timeout');
  });

  it.each(['before', 'inside', 'after'] as const)('add latency %s the work', async (at) => {
    const api = await start();
    const input = await api.upload(Buffer.from('a'));
    api.sandbox.faults({ rules: [{ kind: 'latency', method: 'POST', ms: 60, maxMs: 80, at }] });
    const tookMs = await elapsed(api.submit(input));
    expect(tookMs).toBeGreaterThan(40);
    expect(api.sandbox.requests({ method: 'POST' }).at(-1)?.ms).toBeGreaterThan(40);
  });
});

describe('contract drift', () => {
  it('adds, removes and renames in single objects and in lists', async () => {
    const api = await start();
    const { id } = await api.process(Buffer.from('a'));
    api.sandbox.faults({
      rules: [
        { kind: 'drift', path: '/v3/jobs/**', add: { tier: 'gold' }, remove: ['result.sha256', 'reference'] },
        { kind: 'drift', path: '/v3/jobs**', status: 'ARCHIVED' },
      ],
    });
    const { json } = await api.call('GET', `/v3/jobs/${String(id)}`);
    expect(json).toMatchObject({ tier: 'gold', status: 'ARCHIVED', result: { text: 'a' } });
    expect(json).not.toHaveProperty('reference');
    expect(json['result']).not.toHaveProperty('sha256');
    const list = (await api.call('GET', JOBS)).json['data'] as Json[];
    expect(list).toMatchObject([{ status: 'ARCHIVED', reference: null }]);
    expect((await api.call('GET', '/v3/jobs/none')).json).toEqual({ error: expect.any(Object) });
  });

  it('leaves alone what is no object', () => {
    const drift = { kind: 'drift', rate: 1, skip: 0, remove: ['a.b'], status: 'X' } as const;
    const form = { status: 'status', items: 'data' };
    expect(applyDrift('text', { ...drift, remove: ['a'] }, form)).toBe('text');
    expect(applyDrift({ data: [1, { a: 2 }] }, { ...drift, remove: ['a.b'] }, form)).toEqual({ data: [1, {}] });
  });
});

describe('the clock', () => {
  it('moves Date, timestamps, reset times and Retry-After dates together', async () => {
    const api = await start({ limit: { rate: 1, windowMs: 60_000, retryAfter: 'date' } });
    api.sandbox.faults({ clockOffsetMs: -3_600_000 });
    const nowS = Date.now() / 1_000;
    const first = await api.call('GET', JOBS);
    expect(Date.parse(String(first.headers.get('date'))) / 1_000 - nowS).toBeCloseTo(-3_600, -1);
    const refused = await api.call('GET', JOBS);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('x-ratelimit-reset')) - nowS).toBeCloseTo(-3_540, -1);
    expect(Date.parse(String(refused.headers.get('retry-after'))) / 1_000 - nowS).toBeCloseTo(-3_540, -1);
  });
});

describe('/_sandbox/faults', () => {
  it('shows what is on, counts hits, and clears back to normal', async () => {
    const api = await start();
    const added = await api.control('POST', 'faults', {
      rules: [{ kind: 'error', path: JOBS, status: 500, count: 1 }],
      clockOffsetMs: 5_000,
      limit: { rate: 3, form: 'fixed' },
      tokens: { lifetimeS: 9 },
    });
    expect(added.status).toBe(200);
    await api.call('GET', JOBS);
    const shown = await api.control('GET', 'faults');
    expect(shown.json).toMatchObject({
      rules: [{ id: 1, kind: 'error', path: JOBS, status: 500, hits: 1 }],
      clockOffsetMs: 5_000,
      limit: { rate: 3, form: 'fixed' },
      tokens: { lifetimeS: 9 },
    });
    const cleared = await api.control('DELETE', 'faults');
    expect(cleared.json).toMatchObject({
      rules: [],
      clockOffsetMs: 0,
      limit: { rate: 10_000, form: 'sliding' },
      tokens: { lifetimeS: 3_600 },
    });
    expect(api.sandbox.clearFaults()).toEqual(cleared.json);
  });

  it.each([
    ['no JSON', '{', 'body'],
    ['an unknown switch', { chaos: true }, 'body'],
    ['an unknown kind', { rules: [{ kind: 'gremlin' }] }, 'rules.0.kind'],
    ['a rate above 1', { rules: [{ kind: 'reset', rate: 2 }] }, 'rules.0.rate'],
    ['a typo in a rule', { rules: [{ kind: 'reset', paht: '/x' }] }, 'rules.0'],
  ])('answers 400 to %s', async (_name, body, field) => {
    const api = await start();
    expect(await api.control('POST', 'faults', body)).toMatchObject({
      status: 400,
      json: { error: { code: 'VALIDATION', field } },
    });
  });

  it('refuses wrong faults from code just as strictly', async () => {
    const { sandbox } = await start();
    expect(() => sandbox.faults({ limit: { rate: 0 } })).toThrow(SandboxError);
    expect(() => sandbox.faults({ limit: { rate: 0 } })).toThrow(/^Sandbox faults are wrong: limit\.rate: /);
  });
});

describe('/_sandbox/requests and /_sandbox/stats', () => {
  it('list what arrived, by method, path, age and acceptance', async () => {
    const api = await start();
    await api.process(Buffer.from('a'));
    const list = async (query: string): Promise<Json[]> =>
      (await api.control('GET', `requests?${query}`)).json['requests'] as Json[];
    const all = await list('');
    expect(all.map((entry) => entry['seq'])).toEqual(all.map((_, index) => index + 1));
    expect(all[0]).toMatchObject({ method: 'POST', path: '/oauth/token', status: 200, ms: expect.any(Number) });
    expect(await list('method=put')).toMatchObject([{ path: expect.stringMatching('^/v3/files/'), status: 201 }]);
    expect(await list('path=/v3/jobs/*')).toEqual(all.filter((entry) => /jobs\//.test(String(entry['path']))));
    expect(await list('accepted=true')).toMatchObject([{ method: 'POST', path: JOBS, accepted: true }]);
    expect(await list(`since=${all.length - 1}`)).toHaveLength(1);
    expect((await api.control('GET', 'requests?since=soon')).status).toBe(400);
    await api.control('DELETE', 'requests');
    expect(await list('')).toEqual([]);
  });

  it('count by status, by state, and in the busiest window', async () => {
    const api = await start({ limit: { rate: 3 } });
    await Promise.all(Array.from({ length: 5 }, () => api.call('GET', JOBS)));
    const { json } = await api.control('GET', 'stats');
    expect(json).toMatchObject({
      requests: 6,
      forgotten: 0,
      windowMs: 1_000,
      maxInAnyWindow: 5,
      maxAdmittedInAnyWindow: 3,
      byStatus: { '200': 4, '429': 2 },
      jobs: {},
      webhooks: { pending: 0, delivered: 0 },
    });
    expect((await api.control('GET', 'stats?since=6')).json).toMatchObject({ requests: 0, maxInAnyWindow: 0 });
    expect((await api.control('GET', 'stats?windowMs=0')).status).toBe(400);
  });
});

describe('compilePathPattern', () => {
  it.each([
    ['/v3/jobs', '/v3/jobs', true],
    ['/v3/jobs', '/v3/jobs/1', false],
    ['/v3/jobs/*', '/v3/jobs/1', true],
    ['/v3/jobs/*', '/v3/jobs/1/cancel', false],
    ['/v3/**', '/v3/jobs/1/cancel', true],
    ['/v3.jobs', '/v3/jobs', false],
  ])('%s on %s: %s', (pattern, path, matches) => {
    expect(compilePathPattern(pattern)(path)).toBe(matches);
  });
});
