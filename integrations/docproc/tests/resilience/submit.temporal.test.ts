import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '../../../../test/helpers/stack.ts';
import { unique } from '../../../../test/helpers/temporal.ts';
import { createDocproc, type Docproc } from '../../src/client.ts';

describe('a submit to docproc in trouble', () => {
  let stack: Stack;
  let docproc: Docproc;
  beforeAll(async () => {
    stack = await startStack();
    docproc = createDocproc(stack.playbook);
  });
  afterEach(() => void stack.sandbox.clearFaults());
  afterAll(() => stack.close());

  /** Runs one job and gives its answer with the POSTs it took. */
  async function run(name: string) {
    const since = stack.sandbox.requests().at(-1)?.seq ?? 0;
    const { document } = await stack.document(`${unique(name)}.txt`, 'What is in the document');
    const answer = await docproc.extractText(document, { key: unique(name) });
    const posts = stack.sandbox.requests({ method: 'POST', path: (path) => path === '/v3/jobs', since });
    return { answer, posts };
  }

  it.each([500, 502, 503, 504])('S1: %i twice, and the third attempt succeeds with the same key', async (status) => {
    stack.sandbox.faults({ rules: [{ kind: 'error', method: 'POST', path: '/v3/jobs', status, count: 2 }] });
    const { answer, posts } = await run('s1');
    expect(answer).toMatchObject({ state: 'COMPLETED', error: null });
    expect(posts.map((post) => [post.status, post.accepted])).toEqual([
      [status, false],
      [status, false],
      [202, true],
    ]);
    expect(new Set(posts.map(({ key }) => key)).size).toBe(1);
  });

  it('S1: a connection that breaks after docproc took the job ends in the one job it took', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'reset', method: 'POST', path: '/v3/jobs', at: 'after', count: 1 }] });
    const { answer, posts } = await run('reset');
    expect(answer).toMatchObject({ state: 'COMPLETED', costMicros: 10_000 });
    expect(posts.map(({ accepted, replayed }) => [accepted, replayed])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('S1: gives up after max_attempts, saying how often and why', async () => {
    stack.sandbox.faults({ rules: [{ kind: 'error', method: 'POST', path: '/v3/jobs', status: 500 }] });
    const { answer, posts } = await run('exhausted');
    expect(answer).toMatchObject({
      state: 'FAILED',
      externalId: null,
      costMicros: 0,
      error: { code: 'RETRIES_EXHAUSTED', message: expect.stringMatching(/^3 of 3 attempts failed; the last: .*500/) },
    });
    expect(posts).toHaveLength(3);
  });

  it('waits as long as a 429 asks, and a 429 does not use up an attempt', async () => {
    const retryAfterS = 1;
    const count = 4; // one more than max_attempts
    const rule = { kind: 'error', method: 'POST', path: '/v3/jobs', status: 429, retryAfterS, count } as const;
    stack.sandbox.faults({ rules: [rule] });
    const { answer, posts } = await run('r1');
    expect(answer).toMatchObject({ state: 'COMPLETED' });
    expect(posts.map(({ status }) => status)).toEqual([429, 429, 429, 429, 202]);
    const gaps = posts.slice(1).map(({ at }, index) => at - (posts[index]?.at ?? at));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(retryAfterS * 1000);
  });
});

describe('a submit docproc finds invalid', () => {
  let stack: Stack;
  beforeAll(async () => {
    // docproc takes callback URLs up to 2,048 characters.
    const publicUrl = `http://127.0.0.1:9/${'long/'.repeat(500)}`;
    stack = await startStack({
      config: `webhook:
  public_url: ${publicUrl}
  secrets: ['env:DOCPROC_WEBHOOK_SECRET']
  token_secret: env:DOCPROC_CALLBACK_SECRET`,
    });
  });
  afterAll(() => stack.close());

  it('E1: 400 VALIDATION, the job FAILED, nothing retried', async () => {
    const { document } = await stack.document('e1.txt', 'valid');
    const answer = await createDocproc(stack.playbook).extractText(document, { key: unique('e1') });
    expect(answer).toMatchObject({
      state: 'FAILED',
      externalId: null,
      costMicros: 0,
      error: { code: 'VALIDATION', message: expect.stringContaining('400 (VALIDATION: callback_url') },
    });
    const posts = stack.sandbox.requests({ method: 'POST', path: (path) => path === '/v3/jobs' });
    expect(posts.map(({ status }) => status)).toEqual([400]);
  });
});
