import { z } from 'zod';
import { defineIntegration } from '../../src/definition/index.ts';

export const SERVICE = 'stubbed';

/** How the stub behaves. */
export interface StubOptions {
  readonly port: number;
  readonly secret: string;
  /** 1 % bad jobs, 5 % answers 5xx, 5 % lost and 2 % repeated webhooks. */
  readonly faulty: boolean;
  readonly processingMs: { readonly min: number; readonly max: number };
}

const job = z.object({
  id: z.string(),
  reference: z.string(),
  status: z.string(),
  result: z.object({ text: z.string() }).optional(),
});
const toRemote = ({ id, reference, status, result }: z.infer<typeof job>) => ({
  externalId: id,
  reference,
  word: status,
  ...(result === undefined ? {} : { result }),
});

/** One POST and one signed webhook a job. */
export const stubbed = defineIntegration({
  service: SERVICE,
  title: 'What batches are measured with',
  contractVersion: '1.0.0',
  input: z.strictObject({ text: z.string() }),
  result: z.object({ text: z.string() }),
  submit: {
    request: ({ input, reference, callbackUrl }) => ({
      method: 'POST',
      path: '/jobs',
      json: { ...input, reference, ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }) },
    }),
    response: job,
    read: toRemote,
    idempotency: { kind: 'header', name: 'Idempotency-Key', lifetimeMs: 86_400_000 },
  },
  status: {
    request: ({ externalId }) => ({ method: 'GET', path: `/jobs/${externalId}` }),
    response: job,
    read: toRemote,
  },
  states: { RUNNING: 'PROCESSING', DONE: 'COMPLETED' },
  webhook: {
    scheme: { kind: 'standard-webhooks' },
    payload: z.object({ type: z.literal('done'), data: job }),
    read: ({ data }) => ({
      state: 'COMPLETED',
      externalId: data.id,
      reference: data.reference,
      job: toRemote(data),
    }),
    trusted: true,
    retryHorizonMs: 86_400_000,
  },
  cost: { perJobMicros: 100 },
});
