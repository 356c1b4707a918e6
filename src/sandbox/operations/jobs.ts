import { ApiError } from '../api-error.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import type { InlineText, ListForm, Page } from '../shape/shape.ts';
import type { Job, JobState } from '../state/entities.ts';
import type { OperationContext } from './context.ts';

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

/** What may be sent along with a job: a small result's text. */
async function inlineOf({ config, blobs, work }: OperationContext, { result, format }: Job): Promise<InlineText> {
  if (result === null || result.bytes > config.maxInlineBytes) return {};
  return work.inline(format, await blobs.get(result.sha256));
}

/** `GET` of a job; a small result's text comes with it. */
export async function getJob(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const job = findJob(context, exchange);
  return { status: 200, body: context.shape.renderJob(job, await inlineOf(context, job)) };
}

/** The result apart from the job, once there is one. */
export async function getResult(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const job = findJob(context, exchange);
  if (job.result === null) {
    const word = context.shape.wordOf(job, Date.now());
    throw new ApiError(409, 'NOT_READY', `The job is ${word} and has no result.`);
  }
  return { status: 200, body: context.shape.renderResult(job, await inlineOf(context, job)) };
}

/** Cancels a job. Canceling one that is canceled already is no error; one that has ended otherwise is. */
export async function cancelJob(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const job = findJob(context, exchange);
  const canceled = job.state === 'canceled' ? job : context.engine.cancel(job.id);
  if (canceled === undefined) {
    throw new ApiError(
      409,
      'JOB_ALREADY_FINISHED',
      `The job is ${context.shape.wordOf(job, Date.now())} and cannot be canceled.`,
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
  /** Of what the pagination counts in: a revision, a number of jobs, a page from 1. */
  readonly position: number;
  readonly limit: number;
  readonly word: string | undefined;
  readonly state: JobState | undefined;
  readonly reference: string | undefined;
  readonly updatedAfterMs: number;
}

function readCursor(cursor: string | null, name: string): number {
  if (cursor === null) return 0;
  const revision = /^r(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (revision === undefined) throw invalid(name, 'is not one this service gave out');
  return Number(revision);
}

const writeCursor = (revision: number): string => Buffer.from(`r${revision}`).toString('base64url');

function readCount(text: string | null, name: string, least: number): number {
  if (text === null) return least;
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) throw invalid(name, `must be a number from ${least}`);
  return Number(text);
}

function readPosition({ pagination, parameters: { position } }: ListForm, query: URLSearchParams): number {
  const text = query.get(position);
  if (pagination === 'offset') return readCount(text, position, 0);
  return pagination === 'page' ? readCount(text, position, 1) : readCursor(text, position);
}

function readTime(query: URLSearchParams, name: string | undefined): number {
  const text = name === undefined ? null : query.get(name);
  if (name === undefined || text === null) return Number.NEGATIVE_INFINITY;
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = Date.parse(text);
  if (!isTime || Number.isNaN(ms)) throw invalid(name, 'must be an RFC 3339 time');
  return ms;
}

function readQuery({ shape }: OperationContext, query: URLSearchParams): ListQuery {
  const { parameters, defaultLimit, maxLimit } = shape.list;
  const names = Object.values(parameters);
  const unknown = [...query.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalid(unknown, `is not a parameter; there are ${names.join(', ')}`);
  const valueOf = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : (query.get(name) ?? undefined);
  const limit = query.get(parameters.limit) ?? String(defaultLimit);
  if (!/^\d{1,9}$/.test(limit) || Number(limit) < 1 || Number(limit) > maxLimit) {
    throw invalid(parameters.limit, `must be from 1 to ${maxLimit}`);
  }
  const word = valueOf(parameters.status);
  const state = shape.words.find(([known]) => known === word)?.[1];
  if (word !== undefined && state === undefined) {
    throw invalid(parameters.status ?? '', `must be one of ${shape.words.map(([known]) => known).join(', ')}`);
  }
  return {
    position: readPosition(shape.list, query),
    limit: Number(limit),
    word,
    state,
    reference: valueOf(parameters.reference),
    updatedAfterMs: readTime(query, parameters.updatedAfter),
  };
}

/**
 * Lists jobs. By cursor or link: the longest unchanged first, so that a job that changes while someone pages through moves to the
 * end, may be met twice, and none is skipped. By offset or page: in the order of creation, which never changes.
 */
export async function listJobs(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const wanted = readQuery(context, exchange.query);
  const { shape } = context;
  const nowMs = Date.now();
  const matches = (job: Job): boolean =>
    job.clientId === exchange.clientId &&
    (wanted.state === undefined || job.state === wanted.state) &&
    (wanted.word === undefined || shape.wordOf(job, nowMs) === wanted.word) &&
    (wanted.reference === undefined || job.reference === wanted.reference) &&
    job.updatedAtMs > wanted.updatedAfterMs;
  const counts = shape.list.pagination === 'offset' || shape.list.pagination === 'page';
  const page = counts ? countedPage(context, wanted, matches) : changedPage(context, wanted, matches);
  return { status: 200, ...shape.renderPage(page) };
}

type Matches = (job: Job) => boolean;

function changedPage({ store }: OperationContext, { position, limit }: ListQuery, matches: Matches): Page {
  const jobs: Job[] = [];
  let more = false;
  for (const job of store.changedAfter(position)) {
    if (!matches(job)) continue;
    more = jobs.length === limit;
    if (more) break;
    jobs.push(job);
  }
  const next = more ? writeCursor(jobs.at(-1)?.revision ?? position) : null;
  return { jobs, next, total: jobs.length, offset: 0, limit };
}

function countedPage({ store, shape }: OperationContext, { position, limit }: ListQuery, matches: Matches): Page {
  const byPage = shape.list.pagination === 'page';
  const offset = byPage ? (position - 1) * limit : position;
  const all = [...store.all('job')].filter(matches);
  const end = offset + limit;
  const next = end < all.length ? String(byPage ? position + 1 : end) : null;
  return { jobs: all.slice(offset, end), next, total: all.length, offset, limit };
}
