import { z } from 'zod';
import { defineIntegration, type Integration } from '../../src/definition/index.ts';

export const SERVICE = 'benched';
/** Standard Webhooks' secret of the bench's service. */
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const TOKEN_SECRET = 'a callback secret of the bench';

const job = z.object({ id: z.string(), status: z.string(), reference: z.string(), result: z.unknown().optional() });
const toRemote = ({ id, status, reference, result }: z.infer<typeof job>) => ({
  externalId: id,
  word: status,
  reference,
  ...(status === 'DONE' ? { result: result as object } : {}),
});

const integrationOf = (trusted: boolean): Integration =>
  defineIntegration({
    service: SERVICE,
    title: 'What the bench measures with',
    contractVersion: '1.0.0',
    input: z.strictObject({ text: z.string() }),
    result: z.looseObject({}),
    submit: {
      request: ({ input, reference, callbackUrl }) => ({
        method: 'POST',
        path: '/jobs',
        json: { ...input, reference, callback: callbackUrl ?? null },
      }),
      response: job,
      read: toRemote,
      idempotency: { kind: 'header', name: 'Idempotency-Key', lifetimeMs: 86_400_000 },
    },
    status: {
      request: ({ externalId }) => ({ method: 'GET', path: `/jobs/${encodeURIComponent(externalId)}` }),
      response: job,
      read: toRemote,
    },
    states: { RUNNING: 'PROCESSING', DONE: 'COMPLETED' },
    webhook: {
      scheme: { kind: 'standard-webhooks' },
      payload: z.object({ type: z.string(), data: job }),
      read: ({ data }) => ({ state: 'COMPLETED', externalId: data.id, reference: data.reference, job: toRemote(data) }),
      trusted,
      retryHorizonMs: 3_600_000,
    },
    cost: { perJobMicros: 10_000 },
  });

/** The bench's service as an integration: one POST, a webhook, one GET. */
export const benched = integrationOf(false);
/** The same whose signed webhooks are taken at their word: no GET. */
export const trustingBenched = integrationOf(true);

/** Configuration of the bench's worker. */
export function benchedConfig(serviceUrl: string, receiverUrl: string | undefined): string {
  return `environment: sandbox
service:
  base_url: ${serviceUrl}
  version: v1
  timeouts: { connect_ms: 2000, read_ms: 10000, total_ms: 15000 }
  retry: { max_attempts: 5, backoff_ms: '200,400,800' }
  rate_limit: { qps_cap: 200 }
auth: { type: none }
${receiverUrl === undefined ? '' : `webhook: { public_url: '${receiverUrl}', secrets: ['env:WEBHOOK_SECRET'], token_secret: 'env:TOKEN_SECRET' }`}
${receiverUrl === undefined ? 'polling: { grace_ms: 0, initial_ms: 100, factor: 1, max_ms: 100 }' : 'polling: { grace_ms: 3600000, initial_ms: 60000, factor: 1, max_ms: 60000 }'}
`;
}
