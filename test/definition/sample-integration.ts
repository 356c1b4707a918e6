import { z } from 'zod';
import { defineIntegration } from '../../src/definition/define-integration.ts';

const job = z.object({ id: z.string(), status: z.string(), result: z.unknown().optional() });

/** A complete small integration, written without one type annotation. */
export const sample = defineIntegration({
  service: 'sample',
  title: 'Sample service',
  contractVersion: '3.4.2',
  input: z.strictObject({ document: z.string(), pages: z.int().optional() }),
  result: z.object({ text: z.string() }),
  submit: {
    request: ({ input, reference, callbackUrl }) => ({
      method: 'POST',
      path: '/v3/jobs',
      json: {
        input: input.document,
        reference,
        ...(input.pages === undefined ? {} : { pages: input.pages }),
        ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
      },
    }),
    response: job,
    read: (body) => ({ externalId: body.id, word: body.status }),
    idempotency: { kind: 'header', name: 'Idempotency-Key', lifetimeMs: 7 * 86_400_000 },
    sameInput: (body, input) => body.id !== input.document,
  },
  status: {
    request: ({ externalId }) => ({ method: 'GET', path: `/v3/jobs/${encodeURIComponent(externalId)}` }),
    response: job,
    read: (body) => ({ externalId: body.id, word: body.status, result: body.result }),
  },
  lookup: {
    request: ({ reference }) => ({ method: 'GET', path: '/v3/jobs', query: { reference } }),
    response: z.object({ jobs: z.array(job) }),
    read: ({ jobs }) => (jobs[0] === undefined ? undefined : { externalId: jobs[0].id, word: jobs[0].status }),
    settleMs: 1000,
  },
  states: { PROCESSING: 'PROCESSING', COMPLETED: 'COMPLETED', FAILED: 'FAILED' },
  webhook: {
    scheme: { kind: 'standard-webhooks' },
    payload: z.object({ type: z.string(), data: job }),
    read: (event) => ({
      state: event.type === 'job.completed' ? 'COMPLETED' : undefined,
      externalId: event.data.id,
    }),
    retryHorizonMs: 3 * 86_400_000,
  },
  cost: { perJobMicros: 10_000 },
});
