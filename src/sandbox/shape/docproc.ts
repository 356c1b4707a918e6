import { z } from 'zod';
import { supportedTypes } from '../extraction/document.ts';
import { formats } from '../extraction/render-result.ts';
import type { Route } from '../http/routes.ts';
import type { SandboxConfig } from '../options.ts';
import type { Job } from '../state/entities.ts';
import { createStandardSigner } from '../webhooks/sign.ts';
import { parseBody } from './parse-body.ts';
import { renderApiError } from './render-error.ts';
import { READ, WRITE } from './scopes.ts';
import type { IdempotencyForm, InlineText, Shape, Submission } from './shape.ts';

const tokenRoute: Route = { method: 'POST', path: '/oauth/token', operation: 'token', scope: undefined };

function routes(config: SandboxConfig): Route[] {
  const submit: Pick<Route, 'method' | 'path'> =
    config.idempotency === 'put-id' ? { method: 'PUT', path: '/v3/jobs/{id}' } : { method: 'POST', path: '/v3/jobs' };
  return [
    ...(config.auth === 'oauth' ? [tokenRoute] : []),
    { method: 'PUT', path: '/v3/files/{sha256}', operation: 'putFile', scope: WRITE },
    { ...submit, operation: 'submit', scope: WRITE },
    { method: 'GET', path: '/v3/jobs', operation: 'listJobs', scope: READ },
    { method: 'GET', path: '/v3/jobs/{id}', operation: 'getJob', scope: READ },
    { method: 'POST', path: '/v3/jobs/{id}/cancel', operation: 'cancelJob', scope: WRITE },
    { method: 'GET', path: '/v3/artifacts/{id}', operation: 'getArtifact', scope: READ },
  ];
}

const words = { processing: 'PROCESSING', completed: 'COMPLETED', failed: 'FAILED', canceled: 'CANCELED' } as const;
const iso = (ms: number): string => new Date(ms).toISOString();

const idempotencies: Readonly<Record<SandboxConfig['idempotency'], IdempotencyForm>> = {
  header: { kind: 'header', header: 'Idempotency-Key' },
  'put-id': { kind: 'put-id' },
  none: { kind: 'none' },
};

const callbackUrl = z
  .string()
  .max(2_048)
  .refine((text) => /^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : ''), {
    error: 'must be an http or https URL',
  });

const bodySchema = z.strictObject({
  input: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 lower-case hex digits'),
  options: z.strictObject({ format: z.enum(formats) }),
  callback_url: callbackUrl.optional(),
  reference: z.string().min(1).max(256).optional(),
});

function readSubmit(given: unknown): Submission {
  const body = parseBody(bodySchema, given);
  return {
    input: body.input.slice('sha256:'.length),
    format: body.options.format,
    callbackUrl: body.callback_url ?? null,
    reference: body.reference ?? null,
    key: null,
    fields: body,
    // Zod's output has its fields in the schema's order, whatever order they came in.
    fingerprint: JSON.stringify(body),
  };
}

function renderResult(job: Job, { text, pageTexts }: InlineText): Record<string, unknown> | null {
  if (job.result === null) return null;
  const { artifactId, sha256, bytes, contentType } = job.result;
  return {
    artifact_id: artifactId,
    artifact_url: `/v3/artifacts/${artifactId}`,
    content_type: contentType,
    sha256,
    bytes,
    pages: job.result['pages'],
    characters: job.result['characters'],
    ...(text === undefined ? {} : { text }),
    ...(pageTexts === undefined ? {} : { page_texts: pageTexts }),
  };
}

const renderJob = (job: Job, inline: InlineText): Record<string, unknown> => ({
  id: job.id,
  status: words[job.state],
  reference: job.reference,
  input: `sha256:${job.input}`,
  options: { format: job.format },
  created_at: iso(job.createdAtMs),
  updated_at: iso(job.updatedAtMs),
  cost_micros: job.costMicros,
  result: renderResult(job, inline),
  error: job.error,
});

/** docproc v3, as `integrations/docproc/schemas/openapi.yaml` describes it. */
export function createDocprocShape(config: SandboxConfig): Shape {
  return {
    realm: 'docproc',
    auth: config.auth === 'api-key' ? { kind: 'api-key', header: 'X-Api-Key' } : { kind: config.auth },
    routes: routes(config),
    mediaTypes: supportedTypes,
    idempotency: idempotencies[config.idempotency],
    busy: undefined,
    acceptedStatus: 202,
    inputField: 'input',
    list: {
      pagination: 'cursor',
      parameters: {
        position: 'cursor',
        limit: 'limit',
        status: 'status',
        reference: 'reference',
        updatedAfter: 'updated_after',
      },
      defaultLimit: 50,
      maxLimit: 100,
    },
    drift: { status: 'status', items: 'data' },
    wordOf: (job) => words[job.state],
    words: [
      [words.processing, 'processing'],
      [words.completed, 'completed'],
      [words.failed, 'failed'],
      [words.canceled, 'canceled'],
    ],
    jobPath: (id) => `/v3/jobs/${encodeURIComponent(id)}`,
    acceptedRequest: ({ id, key, createdAtMs }) =>
      config.idempotency === 'put-id'
        ? ['PUT', `/v3/jobs/${id}`, key, createdAtMs]
        : ['POST', '/v3/jobs', key, createdAtMs],
    readSubmit,
    renderFile: (file) => ({
      id: `sha256:${file.sha256}`,
      sha256: file.sha256,
      bytes: file.bytes,
      content_type: file.media.type,
      created_at: iso(file.createdAtMs),
    }),
    renderJob,
    renderResult,
    renderPage: ({ jobs, next }) => ({
      body: { data: jobs.map((job) => renderJob(job, {})), has_more: next !== null, next_cursor: next },
    }),
    renderEvent: (event, atMs, job, inline) => ({ type: event, timestamp: iso(atMs), data: renderJob(job, inline) }),
    renderError: renderApiError,
    sign: createStandardSigner(config.webhook.secret),
  };
}
