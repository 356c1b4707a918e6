import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineIntegration } from '../../../src/definition/index.ts';

/** The one document every job of the lab is about; the sandbox gets it before a run. */
export const DOCUMENT = Buffer.from('A document for the rollout.');
export const DOCUMENT_SHA256 = createHash('sha256').update(DOCUMENT).digest('hex');

const job = z.object({
  id: z.string(),
  status: z.string(),
  cost_micros: z.int(),
  reference: z.string().nullable(),
  result: z.unknown().optional(),
});

const toRemote = ({ id, status, cost_micros, reference, result }: z.infer<typeof job>) => ({
  externalId: id,
  word: status,
  costMicros: cost_micros,
  ...(reference === null ? {} : { reference }),
  ...(status === 'COMPLETED' ? { result: result ?? {} } : {}),
});

/** The sandbox's API without upload, under a name of its own: what a rollout is tried with. */
export function staged(service: string) {
  return defineIntegration({
    service,
    title: 'What a rollout is tried with',
    contractVersion: '1.0.0',
    input: z.strictObject({}),
    result: z.looseObject({}),
    submit: {
      request: ({ reference }) => ({
        method: 'POST',
        path: '/v3/jobs',
        json: { input: `sha256:${DOCUMENT_SHA256}`, options: { format: 'text' }, reference },
      }),
      response: job,
      read: toRemote,
      idempotency: { kind: 'header', name: 'Idempotency-Key', lifetimeMs: 86_400_000 },
    },
    status: {
      request: ({ externalId }) => ({ method: 'GET', path: `/v3/jobs/${encodeURIComponent(externalId)}` }),
      response: job,
      read: toRemote,
    },
    states: { PROCESSING: 'PROCESSING', COMPLETED: 'COMPLETED', FAILED: 'FAILED', CANCELED: 'CANCELED' },
    cost: { perJobMicros: 10_000 },
  });
}
