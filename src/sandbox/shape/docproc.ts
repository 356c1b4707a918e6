import type { Route } from '../http/routes.ts';
import type { SandboxConfig } from '../options.ts';
import type { Job } from '../state/entities.ts';
import { createStandardSigner } from '../webhooks/sign.ts';
import type { InlineText, Shape } from './shape.ts';

const READ = 'jobs.read';
const WRITE = 'jobs.write';

/** The scopes docproc knows. */
export const docprocScopes = [WRITE, READ] as const;

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

function renderResult(job: Job, { text, pageTexts }: InlineText): Record<string, unknown> | null {
  if (job.result === null) return null;
  const { artifactId, sha256, bytes, contentType, pages, characters } = job.result;
  return {
    artifact_id: artifactId,
    artifact_url: `/v3/artifacts/${artifactId}`,
    content_type: contentType,
    sha256,
    bytes,
    pages,
    characters,
    ...(text === undefined ? {} : { text }),
    ...(pageTexts === undefined ? {} : { page_texts: pageTexts }),
  };
}

/** docproc v3, as `integrations/docproc/schemas/openapi.yaml` describes it. */
export function createDocprocShape(config: SandboxConfig): Shape {
  return {
    routes: routes(config),
    words,
    jobPath: (id) => `/v3/jobs/${encodeURIComponent(id)}`,
    acceptedRequest: ({ id, key, createdAtMs }) =>
      config.idempotency === 'put-id'
        ? ['PUT', `/v3/jobs/${id}`, key, createdAtMs]
        : ['POST', '/v3/jobs', key, createdAtMs],
    renderJob: (job, inline) => ({
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
    }),
    renderPage: (jobs, nextCursor) => ({ data: jobs, has_more: nextCursor !== null, next_cursor: nextCursor }),
    renderEvent: (event, atMs, job) => ({ type: event, timestamp: iso(atMs), data: job }),
    sign: createStandardSigner(config.webhook.secret),
  };
}
