import { ApiError } from '../api-error.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import { inlineText } from '../shape/inline-text.ts';
import type { Job, JobState } from '../state/entities.ts';
import type { OperationContext } from './context.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

const invalid = (field: string, message: string): ApiError =>
  new ApiError(400, 'VALIDATION', `${field}: ${message}`, { field });

/** Another client's job is as good as none. */
function findJob({ store }: OperationContext, exchange: Exchange): Job {
  const job = store.get('job', exchange.params['id'] ?? '');
  if (job === undefined || job.clientId !== exchange.clientId) {
    throw new ApiError(404, 'NOT_FOUND', 'There is no such job.');
  }
  return job;
}

/** `GET` of a job; a small result's text comes with it. */
export async function getJob(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const job = findJob(context, exchange);
  const inline =
    job.result !== null && job.result.bytes <= context.config.maxInlineBytes
      ? inlineText(job.format, await context.blobs.get(job.result.sha256))
      : {};
  return { status: 200, body: context.shape.renderJob(job, inline) };
}

/** Cancels a job. Canceling one that is canceled already is no error; one that has ended otherwise is. */
export async function cancelJob(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const job = findJob(context, exchange);
  const canceled = job.state === 'canceled' ? job : context.engine.cancel(job.id);
  if (canceled === undefined) {
    throw new ApiError(
      409,
      'JOB_ALREADY_FINISHED',
      `The job is ${context.shape.words[job.state]} and cannot be canceled.`,
    );
  }
  return { status: 200, body: context.shape.renderJob(canceled, {}) };
}

/** The bytes of a result. */
export async function getArtifact(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const id = exchange.params['id'] ?? '';
  const job = context.store.get('job', id.replace(/^art_/, ''));
  if (job?.result?.artifactId !== id || job.clientId !== exchange.clientId) {
    throw new ApiError(404, 'NOT_FOUND', 'There is no such artifact.');
  }
  const { sha256, contentType } = job.result;
  return {
    status: 200,
    headers: { 'Content-Type': contentType, ETag: `"${sha256}"`, 'X-Content-SHA256': sha256 },
    body: await context.blobs.get(sha256),
  };
}

interface ListQuery {
  readonly after: number;
  readonly limit: number;
  readonly state: JobState | undefined;
  readonly reference: string | undefined;
  readonly updatedAfterMs: number;
}

const parameters = ['cursor', 'limit', 'status', 'reference', 'updated_after'];

function readCursor(cursor: string | null): number {
  if (cursor === null) return 0;
  const revision = /^r(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (revision === undefined) throw invalid('cursor', 'is not one this service gave out');
  return Number(revision);
}

const writeCursor = (revision: number): string => Buffer.from(`r${revision}`).toString('base64url');

function readQuery({ shape }: OperationContext, query: URLSearchParams): ListQuery {
  const unknown = [...query.keys()].find((name) => !parameters.includes(name));
  if (unknown !== undefined) throw invalid(unknown, `is not a parameter; there are ${parameters.join(', ')}`);
  const limit = query.get('limit') ?? String(DEFAULT_LIMIT);
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    throw invalid('limit', `must be from 1 to ${MAX_LIMIT}`);
  }
  const word = query.get('status');
  const states = Object.entries(shape.words) as [JobState, string][];
  const state = states.find(([, known]) => known === word)?.[0];
  if (word !== null && state === undefined) {
    throw invalid('status', `must be one of ${states.map(([, known]) => known).join(', ')}`);
  }
  const updatedAfter = query.get('updated_after');
  const isTime =
    updatedAfter === null || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(updatedAfter);
  const updatedAfterMs = updatedAfter === null ? Number.NEGATIVE_INFINITY : Date.parse(updatedAfter);
  if (!isTime || Number.isNaN(updatedAfterMs)) throw invalid('updated_after', 'must be an RFC 3339 time');
  return {
    after: readCursor(query.get('cursor')),
    limit: Number(limit),
    state,
    reference: query.get('reference') ?? undefined,
    updatedAfterMs,
  };
}

/**
 * Lists jobs, the longest unchanged first. A job that changes while someone pages through moves to the end:
 * it may be met twice, and none is skipped.
 */
export async function listJobs(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const wanted = readQuery(context, exchange.query);
  const jobs: Job[] = [];
  let more = false;
  for (const job of context.store.changedAfter(wanted.after)) {
    const matches =
      job.clientId === exchange.clientId &&
      (wanted.state === undefined || job.state === wanted.state) &&
      (wanted.reference === undefined || job.reference === wanted.reference) &&
      job.updatedAtMs > wanted.updatedAfterMs;
    if (!matches) continue;
    more = jobs.length === wanted.limit;
    if (more) break;
    jobs.push(job);
  }
  const next = more ? writeCursor(jobs.at(-1)?.revision ?? wanted.after) : null;
  const body = context.shape.renderPage(
    jobs.map((job) => context.shape.renderJob(job, {})),
    next,
  );
  return { status: 200, body };
}
