import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '../../../../test/helpers/stack.ts';
import { unique } from '../../../../test/helpers/temporal.ts';
import { makePdf } from '../../../../test/sandbox/support/pdfs.ts';
import { createDocproc } from '../../src/client.ts';

const JOBS = 50;
const JOBS_PER_SECOND = 5;
/** A job is three requests (upload, submit, fetch), so 5 a second need 15; the sandbox's default limit of 10 would not do. */
const REQUESTS_PER_SECOND = 20;

/**
 * The bar is 5 s, and holds where the test runs alone (`STRICT=1 npm run jest -- --testPathPatterns performance`). Within the
 * whole suite the other files' processes share the two cores, so the bound is generous and the figure is printed.
 */
const P95_MS = process.env['STRICT'] === '1' ? 5_000 : 30_000;

describe('performance smoke', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      sandbox: { limit: { rate: REQUESTS_PER_SECOND }, processing: { minMs: 300, maxMs: 900 } },
      config: (sandboxUrl) => `service:
  base_url: ${sandboxUrl}
  version: v3
  rate_limit: { qps_cap: ${REQUESTS_PER_SECOND - 2} }
polling: { grace_ms: 10000 }`,
    });
  });
  afterAll(() => stack.close());

  it('50 jobs at 5 a second: latency printed, errors below 1 %, below $0.02 a job', async () => {
    const docproc = createDocproc(stack.playbook);
    const content = await makePdf(['Page one of the document', 'Page two of the document']);
    const { document } = await stack.document('smoke.pdf', content);
    // The first job waits for the gate's election, which happens once when workers start.
    await docproc.extractText(document, { key: unique('warm') });
    const since = stack.sandbox.requests().at(-1)?.seq ?? 0;
    const startedMs = performance.now();
    const runs = await Promise.all(
      Array.from({ length: JOBS }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, (index * 1000) / JOBS_PER_SECOND));
        const sentMs = performance.now();
        const answer = await docproc.extractText(document, { key: unique('smoke') });
        return { answer, ms: performance.now() - sentMs };
      }),
    );
    const totalS = (performance.now() - startedMs) / 1000;

    const latencies = runs.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const percentile = (share: number): number => latencies[Math.ceil(JOBS * share) - 1] ?? Infinity;
    const failed = runs.filter(({ answer }) => answer.state !== 'COMPLETED').length;
    const costs = runs.map(({ answer }) => (answer.state === 'PENDING' ? Infinity : answer.costMicros / 1_000_000));
    const costUsd = costs.reduce((sum, cost) => sum + cost, 0) / JOBS;
    const requests = stack.sandbox.requests({ since }).filter(({ path }) => path !== '/oauth/token');
    const throttled = requests.filter(({ status }) => status === 429).length;
    console.log(
      [
        `${JOBS} jobs in ${totalS.toFixed(1)} s: P50 ${percentile(0.5).toFixed(0)} ms, P95 ${percentile(0.95).toFixed(0)} ms,`,
        `max ${percentile(1).toFixed(0)} ms; errors ${((100 * failed) / JOBS).toFixed(1)} %; $${costUsd.toFixed(3)} a job;`,
        `${(requests.length / JOBS).toFixed(1)} requests a job, ${throttled} answered 429`,
      ].join(' '),
    );
    expect(percentile(0.95)).toBeLessThan(P95_MS);
    expect(failed / JOBS).toBeLessThan(0.01);
    expect(costUsd).toBeLessThan(0.02);
  });
});
