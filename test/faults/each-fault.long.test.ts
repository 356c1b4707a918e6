import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import pino from 'pino';
import type { FaultsInput } from '../../src/sandbox/faults/schema.ts';
import { startStack } from '../helpers/stack.ts';
import type { Stack } from '../helpers/stack.ts';
import { runCampaign } from './support/campaign.ts';
import { FAULT_SECTIONS } from './support/config.ts';

/** What was logged as a warning or worse. */
const warnings: { readonly field?: string; readonly msg: string }[] = [];
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    logger: pino({ level: 'warn' }, { write: (line) => warnings.push(JSON.parse(line) as (typeof warnings)[number]) }),
    config: FAULT_SECTIONS,
    sandbox: { seed: 20_261, webhookRetry: { delaysMs: [100, 300, 1000] } },
  });
});
afterAll(() => stack.close());

const JOBS = 8;
const POST = { method: 'POST', path: '/v3/jobs' } as const;
const API = { path: '/v3/**' } as const;
/** Hits one in four of what it matches. */
const rate = 0.25;
/** Hits one in four until it has hit four times: one more in a row would be an outage to the gate, see the last case. */
const some = { rate, count: 4 };

/** Faults that must not matter: every job ends as the service says, by itself, with one accepted POST. */
const HARMLESS: Readonly<Record<string, FaultsInput>> = {
  'slow answers': { rules: [{ kind: 'latency', ms: 50, maxMs: 300, rate: 0.5 }] },
  'answers that come after we stopped waiting': { rules: [{ kind: 'latency', ms: 600, at: 'after', ...some }] },
  'submits still under way when they are repeated': {
    rules: [{ kind: 'latency', ...POST, ms: 600, at: 'inside', rate }],
  },
  'errors 500 before the work': { rules: [{ kind: 'error', status: 500, rate }] },
  'errors 500 after the work': { rules: [{ kind: 'error', status: 500, at: 'after', rate }] },
  'errors 502 without a reason': { rules: [{ kind: 'error', status: 502, at: 'after', rate }] },
  'errors 503 with Retry-After': { rules: [{ kind: 'error', status: 503, retryAfterS: 1, rate: 0.1 }] },
  'errors 504 after the work': { rules: [{ kind: 'error', status: 504, at: 'after', rate }] },
  'errors 408': { rules: [{ kind: 'error', status: 408, rate }] },
  'connections reset before the work': { rules: [{ kind: 'reset', ...some }] },
  'connections reset after the work': { rules: [{ kind: 'reset', at: 'after', ...some }] },
  'submits reset after the work': { rules: [{ kind: 'reset', ...POST, at: 'after', count: 4 }] },
  'truncated answers': { rules: [{ kind: 'truncate', keepBytes: 30, rate }] },
  'answers that drip': { rules: [{ kind: 'drip', chunkBytes: 10, everyMs: 60, ...some }] },
  'fields nobody has heard of': { rules: [{ kind: 'drift', add: { priority: 'high', trace: { id: 7 } } }] },
  'webhooks that come late': { rules: [{ kind: 'webhook-delay', ms: 700 }] },
  'webhooks that are lost': { rules: [{ kind: 'webhook-drop' }] },
  'webhooks that are repeated': { rules: [{ kind: 'webhook-duplicate', copies: 5 }] },
  'webhooks that overtake each other': { rules: [{ kind: 'webhook-reorder', withinMs: 600 }] },
  'webhooks with bad signatures': { rules: [{ kind: 'webhook-bad-signature' }] },
  'a clock ten minutes ahead, with throttling by date': {
    clockOffsetMs: 600_000,
    limit: { rate: 40, retryAfter: 'date' },
  },
  'a clock ten minutes behind, with throttling by date': {
    clockOffsetMs: -600_000,
    limit: { rate: 40, retryAfter: 'date' },
  },
  'a limit of two requests at once': { limit: { rate: 2, form: 'concurrency', announce: false } },
  'tokens that live a second': { tokens: { lifetimeS: 1 }, rules: [{ kind: 'latency', ...API, ms: 100, maxMs: 300 }] },
  'a refusal with Retry-After': { rules: [{ kind: 'error', ...API, status: 429, retryAfterS: 1, skip: 5, count: 1 }] },
  'a refusal without a word when to come back': { rules: [{ kind: 'error', ...API, status: 429, skip: 5, count: 1 }] },
  'a limit far below ours': { limit: { rate: 20 } },
  'a limit far below ours that is not announced': { limit: { rate: 20, announce: false, retryAfter: 'none' } },
  'an outage of some seconds': { rules: [{ kind: 'reset', count: 5 }] },
};

/** What has drifted from the contract fails, by code and place, and never as success or silence. */
const DRIFTS: Readonly<Record<string, readonly [FaultsInput, code: string, message: string]>> = {
  'a status nobody has heard of': [
    { rules: [{ kind: 'drift', method: 'GET', path: '/v3/jobs/*', status: 'ARCHIVED' }] },
    'UNKNOWN_STATUS',
    'docproc reports status "ARCHIVED", which is none of: PROCESSING, COMPLETED, FAILED, CANCELED. Add it to the integration\'s states.',
  ],
  'a field that is gone': [
    { rules: [{ kind: 'drift', method: 'GET', path: '/v3/jobs/*', remove: ['result.sha256'] }] },
    'CONTRACT_VIOLATION',
    "The service's status response does not fit the pinned schema: result.sha256 must be text (got nothing).",
  ],
  'a field of another type': [
    { rules: [{ kind: 'drift', ...POST, add: { cost_micros: 'ten' } }] },
    'CONTRACT_VIOLATION',
    "The service's submit response does not fit the pinned schema: cost_micros must be a number (got text).",
  ],
};

describe('jobs while one fault is on', () => {
  it.each(Object.entries(HARMLESS))('%s', async (name, faults) => {
    const result = await runCampaign(stack, { name: name.replaceAll(/[^a-z0-9]+/g, '-'), jobs: JOBS, faults });
    expect(result).toMatchObject({
      disagreements: [],
      agreeing: JOBS,
      unattended: JOBS,
      duplicates: 0,
      mostAccepted: 1,
      endings: { COMPLETED: JOBS - 1, 'FAILED REMOTE_FAILED': 1 },
    });
    expect(result.mostPosts).toBeLessThanOrEqual(10);
    expect(result.requestsPerJob).toBeLessThan(20);
  });

  it('tell once of each field nobody has heard of', () => {
    const told = warnings.filter(
      ({ msg }) => msg === 'Answers of docproc have a field that contract 3.4.2 does not know.',
    );
    const fields = told.map(({ field }) => field ?? '').toSorted((a, b) => a.localeCompare(b));
    expect(fields.filter((field) => field.startsWith('submit'))).toEqual([
      'submit response: priority',
      'submit response: trace',
    ]);
    expect(new Set(fields).size).toBe(fields.length);
    expect(fields).toContain('status response: trace');
  });

  it('tokens that are revoked under way', async () => {
    const result = await runCampaign(stack, {
      name: 'revoked',
      jobs: JOBS,
      faults: { rules: [{ kind: 'latency', ...API, ms: 50, maxMs: 150 }] },
      meanwhile: async () => {
        await sleep(250);
        stack.sandbox.faults({ tokens: { revoke: true } });
      },
    });
    expect(result).toMatchObject({ disagreements: [], unattended: JOBS, duplicates: 0, mostAccepted: 1 });
  });

  it.each(Object.entries(DRIFTS))('fail loudly on %s', async (name, [faults, code, message]) => {
    stack.sandbox.faults(faults);
    try {
      const keys = Array.from({ length: JOBS }, (_, index) => `${name.replaceAll(' ', '-')}-${index}`);
      const answers = await Promise.all(
        keys.map(async (key) => {
          const job = await stack.playbook.start(docproc, await stack.document('drift.txt', 'drift'), { key });
          return job.result({ maxWaitMs: 10_000 });
        }),
      );
      expect(answers).toMatchObject(
        keys.map((key) => ({ key, state: 'FAILED', error: { code, message }, result: null })),
      );
    } finally {
      stack.sandbox.clearFaults();
    }
  });

  it('spend one request and one token more when the token is revoked', async () => {
    const run = async (key: string) => {
      const before = stack.sandbox.requests().at(-1)?.seq ?? 0;
      const job = await stack.playbook.start(docproc, await stack.document('revoked.txt', 'revoked'), { key });
      await expect(job.result()).resolves.toMatchObject({ state: 'COMPLETED' });
      return stack.sandbox.requests({ since: before }).map(({ method, path, status }) => `${method} ${path} ${status}`);
    };
    const usual = await run('with-a-token');
    stack.sandbox.faults({ tokens: { revoke: true } });
    const revoked = await run('with-a-revoked-token');
    expect(revoked.filter((request) => request.endsWith(' 401'))).toHaveLength(1);
    expect(revoked.filter((request) => request === 'POST /oauth/token 200')).toHaveLength(1);
    // The gate's sweep of the list comes and goes beside the job.
    const ofTheJob = (requests: readonly string[]): string[] =>
      requests
        .filter((request) => !/ 401$|^POST \/oauth|^GET \/v3\/jobs \d/.test(request))
        .map((request) => request.slice(0, 12));
    expect(ofTheJob(revoked)).toEqual(ofTheJob(usual));
  });
});
