import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '../../../../test/helpers/stack.ts';
import { unique } from '../../../../test/helpers/temporal.ts';
import type { Sandbox } from '../../../../src/sandbox/index.ts';
import { token } from '../../../../test/sandbox/support/api.ts';
import { idempotencyKey } from '../../../../src/activities/idempotency-key.ts';
import { createDocproc } from '../../src/client.ts';
import { SERVICE } from '../../src/constants.ts';

const JOBS = 20;
const RETRY_AFTER_MS = 1_000; // what the sandbox asks for in a window of a second

/** Twenty POSTs at once by somebody who shares our limit. */
async function rapidPosts(sandbox: Sandbox) {
  const authorization = `Bearer ${await token(sandbox)}`;
  const startedMs = performance.now();
  return Promise.all(
    Array.from({ length: 20 }, async () => {
      const answer = await fetch(`${sandbox.url}/v3/jobs`, { method: 'POST', headers: { authorization } });
      await answer.arrayBuffer();
      const { status, headers } = answer;
      return { status, retryAfter: headers.get('retry-after'), afterMs: performance.now() - startedMs };
    }),
  );
}

describe('twenty jobs at once against a limit of 5 a second', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      sandbox: { limit: { rate: 5 } },
      config: 'polling: { grace_ms: 30000, initial_ms: 1000, factor: 1.6, max_ms: 10000 }',
    });
  });
  afterAll(() => stack.close());

  it('R1: beside 20 rapid POSTs of a neighbour, which meet 429 within 2 s, each job waits as asked and completes with one accepted POST', async () => {
    const docproc = createDocproc(stack.playbook);
    const jobs = await Promise.all(
      Array.from({ length: JOBS }, async (_, index) => {
        const { document } = await stack.document(`${index}.txt`, `Document ${index}`);
        const job = await docproc.startExtraction(document, { key: unique('r1') });
        return { document, job };
      }),
    );
    const neighbour = await rapidPosts(stack.sandbox);
    const answers = await Promise.all(jobs.map(({ job }) => job.result({ maxWaitMs: 50_000 })));
    expect(answers.map(({ state }) => state)).toEqual(jobs.map(() => 'COMPLETED'));

    const requests = stack.sandbox.requests().filter(({ path }) => path !== '/oauth/token');
    expect(requests.filter(({ accepted }) => accepted)).toHaveLength(JOBS);
    const firstAt = requests[0]?.at ?? 0;
    const lastAt = requests.at(-1)?.at ?? 0;
    const refused = requests.filter(({ status }) => status === 429);
    const firstRefusal = neighbour.find(({ status }) => status === 429);
    expect(firstRefusal?.retryAfter).toBe('1');
    expect(firstRefusal?.afterMs).toBeLessThan(2_000);
    console.log(
      `${JOBS} jobs, ${requests.length} requests, ${refused.length} of them 429, in ${((lastAt - firstAt) / 1000).toFixed(1)} s`,
    );
    for (const { document, job } of jobs) {
      const key = idempotencyKey('sandbox', { service: SERVICE, key: job.key, generation: 1 });
      const own = requests.filter((request) => request.key === key || request.path.endsWith(document.sha256));
      const early = own.filter((request, index) => {
        const before = own[index - 1];
        return before?.status === 429 && request.at - before.at < RETRY_AFTER_MS;
      });
      expect(early).toEqual([]);
    }
  });
});
