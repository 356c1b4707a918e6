import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { defaultWebhookSecret } from '../../src/sandbox/index.ts';
import { sign } from '../../src/webhooks/index.ts';
import { startStack } from '../helpers/stack.ts';
import type { Stack } from '../helpers/stack.ts';
import { FAULT_SECTIONS } from './support/config.ts';
import { serviceJobs } from './support/service-jobs.ts';

const WORDS = { 'job.processing': 'PROCESSING', 'job.completed': 'COMPLETED', 'job.failed': 'FAILED' } as const;

let stack: Stack;
let jobs = 0;
beforeAll(async () => {
  stack = await startStack({ config: FAULT_SECTIONS, sandbox: { processing: { minMs: 80, maxMs: 200 } } });
  // The service's own webhooks are lost: every event comes from the property.
  stack.sandbox.faults({ rules: [{ kind: 'webhook-drop' }] });
});
afterAll(() => stack.close());

/** One webhook as docproc would send it, correctly signed, whatever it claims. */
async function send(job: { key: string; id: string }, type: keyof typeof WORDS, copy: string): Promise<number> {
  const data = {
    id: job.id,
    status: WORDS[type],
    reference: `${job.key}~1`,
    input: 'sha256:0',
    options: { format: 'text' },
    created_at: '2026-11-01T00:00:00Z',
    updated_at: '2026-11-01T00:00:00Z',
    cost_micros: 10_000,
    result: null,
    error: null,
  };
  const body = Buffer.from(JSON.stringify({ type, timestamp: '2026-11-01T00:00:00Z', data }));
  const id = `evt_${job.key}_${WORDS[type]}_${copy}`;
  const headers = sign({ kind: 'standard-webhooks' }, defaultWebhookSecret, { id, timestampMs: Date.now(), body });
  const answer = await fetch(`${stack.config.webhook?.public_url}/webhooks/docproc`, { method: 'POST', headers, body });
  await answer.arrayBuffer();
  return answer.status;
}

const event = fc.record({
  type: fc.constantFrom(...(Object.keys(WORDS) as (keyof typeof WORDS)[])),
  /** The same copy is the same event again. */
  copy: fc.constantFrom('a', 'b'),
  afterMs: fc.constantFrom(0, 0, 30, 120),
});

it('any order, repetition and loss of events ends in the state the service reports', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), fc.boolean(), async (events, isReadable) => {
      jobs += 1;
      const key = `order-${jobs}`;
      const input = isReadable
        ? await stack.document(`${key}.txt`, key)
        : await stack.document(`${key}.pdf`, `%PDF-1.7 ${key}`);
      const handle = await stack.playbook.start(docproc, input, { key });
      const { externalId: id } = await handle.waitUntilAccepted();
      const statuses: number[] = [];
      for (const { type, copy, afterMs } of events) {
        await sleep(afterMs);
        statuses.push(await send({ key, id }, type, copy));
      }
      expect(statuses).toEqual(events.map(() => 200));
      const { state } = await handle.result({ maxWaitMs: 15_000 });
      expect(state).toBe(isReadable ? 'COMPLETED' : 'FAILED');
      // Late events leave it as it is.
      expect([await send({ key, id }, 'job.failed', 'late'), await send({ key, id }, 'job.completed', 'late')]).toEqual(
        [200, 200],
      );
      expect((await handle.status()).state).toBe(state);
    }),
    { numRuns: 20, seed: 20_261_123, endOnFailure: true },
  );
  const held = await serviceJobs(stack.sandbox);
  expect(held).toHaveLength(jobs);
  for (const { reference, status } of held) {
    const key = String(reference).replace(/~1$/, '');
    expect((await stack.playbook.job(docproc, key).status()).state).toBe(status);
  }
});
