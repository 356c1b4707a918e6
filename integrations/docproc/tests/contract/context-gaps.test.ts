import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { sha256, start, until } from '../../../../test/sandbox/support/api.ts';
import { isGenuine, startReceiver } from '../../../../test/sandbox/support/receiver.ts';

const DEFAULT_LIMIT = { rate: 10 };

const hasText = (job: unknown): boolean => 'text' in (job as { result: object }).result;
const idsOf = ({ data }: Record<string, unknown>): string[] => (data as { id: string }[]).map(({ id }) => id);
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Each probe answers the row of the same number in ../../context-gaps.md. */
describe('context gap', () => {
  it('1: GET knows a job from the moment its POST is answered', async () => {
    const api = await start({ processing: { minMs: 200, maxMs: 200 } });
    const input = await api.upload(Buffer.from('read your writes'));
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const accepted = await api.submit(input);
        return (await api.call('GET', `/v3/jobs/${String(accepted.json['id'])}`)).status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it('2: once over, a job never changes: the same answer a hundred times, and cancel is refused', async () => {
    const api = await start();
    const job = await api.process(Buffer.from('stable'));
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => (await api.call('GET', `/v3/jobs/${String(job['id'])}`)).json),
    );
    expect(answers).toEqual(answers.map(() => job));
    const cancel = await api.call('POST', `/v3/jobs/${String(job['id'])}/cancel`);
    expect([cancel.status, cancel.json['error']]).toMatchObject([409, { code: 'JOB_ALREADY_FINISHED' }]);
  });

  it('3: a burst of 20 gets 10 answers and 10 times 429 with Retry-After 1; the refused do not count', async () => {
    const api = await start({ limit: DEFAULT_LIMIT });
    const input = `sha256:${sha256(Buffer.from('x'))}`;
    const startedMs = performance.now();
    const burst = await Promise.all(Array.from({ length: 20 }, () => api.submit(input)));
    const elapsedMs = performance.now() - startedMs;
    const refused = burst.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    expect(new Set(refused.map(({ headers }) => headers.get('retry-after')))).toEqual(new Set(['1']));
    expect(refused[0]?.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(elapsedMs).toBeLessThan(2_000);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await api.submit(input)).status).not.toBe(429);
  });

  it('4: uploads, submits, reads and lists share the one limit; tokens are outside it', async () => {
    const api = await start({ limit: { rate: 2 } });
    await api.call('GET', '/v3/jobs');
    await api.call('GET', '/v3/jobs/nobody');
    const bytes = Buffer.from('x');
    const put = await api.call('PUT', `/v3/files/${sha256(bytes)}`, {
      headers: { 'content-type': 'text/plain' },
      body: bytes,
    });
    expect(put.status).toBe(429);
    const token = await fetch(`${api.sandbox.url}/oauth/token`, { method: 'POST' });
    expect(token.status).not.toBe(429);
  });

  it('5: the same key and body is the same job, also under load; another body is 422', async () => {
    const api = await start();
    const input = await api.upload(Buffer.from('idempotent'));
    const replies = await Promise.all(Array.from({ length: 20 }, () => api.submit(input, {}, 'key-5')));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(replies.map(({ json }) => json['id'])).size).toBe(1);
    expect(api.sandbox.requests({ accepted: true })).toHaveLength(1);
    const other = await api.submit(input, { options: { format: 'json' } }, 'key-5');
    expect([other.status, other.json['error']]).toMatchObject([422, { code: 'IDEMPOTENCY_KEY_REUSED' }]);
    const { json } = await api.submit(input, {}, 'key-5');
    expect(json['status']).toBe('PROCESSING');
  });

  it('6: a second request while the first of its key is under way is 409, not a second job', async () => {
    const api = await start();
    const input = await api.upload(Buffer.from('busy'));
    api.sandbox.faults({
      rules: [{ kind: 'latency', method: 'POST', path: '/v3/jobs', ms: 200, at: 'inside', count: 1 }],
    });
    const both = await Promise.all([api.submit(input, {}, 'key-6'), api.submit(input, {}, 'key-6')]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409]);
    const busy = both.find(({ status }) => status === 409);
    expect(busy?.json['error']).toMatchObject({ code: 'IDEMPOTENCY_KEY_IN_USE' });
    expect(busy?.headers.get('retry-after')).toBeNull();
  });

  it('7: a webhook may come before the answer to the POST that caused it', async () => {
    const receiver = await startReceiver();
    const api = await start();
    const input = await api.upload(Buffer.from('early'));
    api.sandbox.faults({ rules: [{ kind: 'latency', method: 'POST', path: '/v3/jobs', ms: 500, at: 'after' }] });
    const { json } = await api.submit(input, { callback_url: receiver.url });
    expect(receiver.received.map((event) => event.json['type'])).toEqual(['job.completed']);
    expect(receiver.received[0]?.json['data']).toMatchObject({ id: json['id'] });
  });

  it('8: an unanswered webhook comes again with the same id, newly signed', async () => {
    const receiver = await startReceiver((index) => ({ status: index < 2 ? 503 : 204 }));
    const api = await start();
    await api.submit(await api.upload(Buffer.from('again')), { callback_url: receiver.url });
    await until(() => receiver.received.length === 3);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(receiver.received.every(isGenuine)).toBe(true);
  });

  it('9: a result above 32 KiB comes without its text, in the job and in the webhook; a webhook leaves it out from 20 kB', async () => {
    const receiver = await startReceiver();
    const api = await start();
    const submitted = async (bytes: number) => {
      const input = await api.upload(Buffer.alloc(bytes, 'x'));
      const { json } = await api.submit(input, { callback_url: receiver.url });
      return api.ended(json['id']);
    };
    expect([
      hasText(await submitted(32_768)),
      hasText(await submitted(32_769)),
      hasText(await submitted(19_000)),
    ]).toEqual([true, false, true]);
    await until(() => receiver.received.length === 3);
    const inWebhooks = receiver.received.map(({ json }) => json['data'] as { result: { bytes: number } });
    expect(inWebhooks.filter(hasText).map(({ result }) => result.bytes)).toEqual([19_000]);
  });

  it('10: a failed and a canceled job cost as much as a completed one', async () => {
    const api = await start({ processing: { minMs: 50, maxMs: 50 } });
    const failed = await api.process(Buffer.from('no PDF'), 'application/pdf');
    const { json } = await api.submit(await api.upload(Buffer.from('canceled')));
    const canceled = (await api.call('POST', `/v3/jobs/${String(json['id'])}/cancel`)).json;
    const completed = await api.process(Buffer.from('completed'));
    expect([failed, canceled, completed].map((job) => [job['status'], job['cost_micros']])).toEqual([
      ['FAILED', 10_000],
      ['CANCELED', 10_000],
      ['COMPLETED', 10_000],
    ]);
  });

  it('11: every answer has a Date, by which a clock that runs wrong is noticed', async () => {
    const api = await start();
    api.sandbox.faults({ clockOffsetMs: 600_000 });
    const { headers } = await api.call('GET', '/v3/jobs');
    const aheadMs = Date.parse(headers.get('date') ?? '') - Date.now();
    expect(Math.abs(aheadMs - 600_000)).toBeLessThan(2_000);
  });

  it('12: paging by cursor never skips a job that changes meanwhile; it shows it again', async () => {
    const api = await start({ processing: { minMs: 60_000, maxMs: 60_000 } });
    const input = await api.upload(Buffer.from('paged'));
    const ids: unknown[] = [];
    for (let number = 0; number < 3; number += 1) ids.push((await api.submit(input)).json['id']);
    const page = async (cursor: string) => (await api.call('GET', `/v3/jobs?limit=2${cursor}`)).json;
    const first = await page('');
    await api.call('POST', `/v3/jobs/${String(ids[0])}/cancel`);
    const second = await page(`&cursor=${String(first['next_cursor'])}`);
    expect([idsOf(first), idsOf(second), second['next_cursor']]).toEqual([[ids[0], ids[1]], [ids[2], ids[0]], null]);
  });
});

describe('context-gaps.md', () => {
  it('has one probe here for each closed row, and the other way round', () => {
    const rows = [...read('../../context-gaps.md').matchAll(/^\| (\d+) +\|.*\| Closed +\|$/gm)].map(
      ([, number]) => number,
    );
    const probes = [...read('./context-gaps.test.ts').matchAll(/^ {2}it\('(\d+):/gm)].map(([, number]) => number);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows).toEqual(probes);
  });
});
