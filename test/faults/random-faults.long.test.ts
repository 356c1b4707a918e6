import { writeFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import type { FaultsInput } from '../../src/sandbox/faults/schema.ts';
import { startStack } from '../helpers/stack.ts';
import { runCampaign } from './support/campaign.ts';
import { FAULT_SECTIONS } from './support/config.ts';

/** `npm run bench:faults` asks for 500. */
const JOBS = Number(process.env['FAULT_JOBS'] ?? '60');
const SEED = Number(process.env['FAULT_SEED'] ?? '7');

const POST = { method: 'POST', path: '/v3/jobs' } as const;

/** Everything at once: about one request in four is hit by something, and no more than one webhook in four arrives as it should. */
const EVERYTHING: FaultsInput = {
  rules: [
    { kind: 'latency', ms: 10, maxMs: 150, rate: 0.2 },
    { kind: 'latency', ms: 600, at: 'after', rate: 0.02 },
    { kind: 'latency', ...POST, ms: 600, at: 'inside', rate: 0.03 },
    { kind: 'error', status: 500, rate: 0.03 },
    { kind: 'error', status: 502, at: 'after', rate: 0.03 },
    { kind: 'error', status: 504, at: 'after', rate: 0.02 },
    { kind: 'error', status: 408, rate: 0.02 },
    { kind: 'error', status: 503, retryAfterS: 1, rate: 0.005 },
    { kind: 'reset', rate: 0.03 },
    { kind: 'reset', at: 'after', rate: 0.03 },
    { kind: 'reset', ...POST, at: 'after', rate: 0.1 },
    { kind: 'truncate', keepBytes: 40, rate: 0.03 },
    { kind: 'drip', chunkBytes: 10, everyMs: 60, rate: 0.02 },
    { kind: 'drift', add: { priority: 'high' }, rate: 0.2 },
    { kind: 'webhook-delay', ms: 400, rate: 0.2 },
    { kind: 'webhook-drop', rate: 0.2 },
    { kind: 'webhook-duplicate', copies: 3, rate: 0.2 },
    { kind: 'webhook-reorder', withinMs: 500, rate: 0.3 },
    { kind: 'webhook-bad-signature', rate: 0.1 },
  ],
  clockOffsetMs: 45_000,
  limit: { rate: 60, retryAfter: 'date' },
  tokens: { lifetimeS: 5 },
};

it(`${JOBS} jobs end as the service says while everything goes wrong at random`, async () => {
  const stack = await startStack({
    config: FAULT_SECTIONS,
    sandbox: { seed: SEED, webhookRetry: { delaysMs: [200, 500, 1000, 3000] } },
  });
  try {
    const result = await runCampaign(stack, {
      name: `random-${SEED}`,
      jobs: JOBS,
      faults: EVERYTHING,
      maxWaitMs: 300_000,
    });
    const summary = process.env['FAULT_SUMMARY'];
    if (summary !== undefined) await writeFile(summary, JSON.stringify(result));
    expect(result).toMatchObject({ disagreements: [], agreeing: JOBS, duplicates: 0, mostAccepted: 1 });
    expect(result.unattended / JOBS).toBeGreaterThanOrEqual(0.99);
    expect(result.mostPosts).toBeLessThanOrEqual(12);
    expect(result.requestsPerJob).toBeLessThan(20);
  } finally {
    await stack.close();
  }
}, 900_000);
