import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineIntegration } from '../../../src/definition/index.ts';

/** The service of the gate's tests. */
export const SERVICE = 'gated';

/** The one document every job of the lab is about; the sandbox gets it before a run. */
export const DOCUMENT = Buffer.from('A document for the gate.');
export const DOCUMENT_SHA256 = createHash('sha256').update(DOCUMENT).digest('hex');

const job = z.object({
  id: z.string(),
  status: z.string(),
  reference: z.string().nullable(),
  result: z.unknown().optional(),
});

const toRemote = ({ id, status, reference, result }: z.infer<typeof job>) => ({
  externalId: id,
  word: status,
  ...(reference === null ? {} : { reference }),
  ...(status === 'COMPLETED' ? { result: result as object } : {}),
});

/** The sandbox's API without upload: each job is one POST, then GETs. A cent for the job, nothing for a request. */
export const gated = defineIntegration({
  service: SERVICE,
  title: 'What the gate is tried with',
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
  lookup: {
    request: ({ reference }) => ({ method: 'GET', path: '/v3/jobs', query: { reference, limit: 1 } }),
    response: z.object({ data: z.array(job) }),
    read: ({ data: [found] }) => (found === undefined ? undefined : toRemote(found)),
    settleMs: 1_000,
  },
  list: {
    request: ({ cursor, limit, updatedAfter }) => ({
      method: 'GET',
      path: '/v3/jobs',
      query: { cursor, limit, updated_after: updatedAfter },
    }),
    response: z.object({ data: z.array(job), next_cursor: z.string().nullable() }),
    read: ({ data, next_cursor }) => ({
      jobs: data.map(toRemote),
      ...(next_cursor === null ? {} : { next: next_cursor }),
    }),
  },
  states: { PROCESSING: 'PROCESSING', COMPLETED: 'COMPLETED', FAILED: 'FAILED', CANCELED: 'CANCELED' },
  cost: { perJobMicros: 10_000 },
});
