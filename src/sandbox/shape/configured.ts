import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import type { Route } from '../http/routes.ts';
import type { Job, JobState } from '../state/entities.ts';
import { createHmacSigner, createStandardSigner } from '../webhooks/sign.ts';
import type { WebhookEvent } from '../webhooks/events.ts';
import { canonical } from './canonical.ts';
import { parseBody } from './parse-body.ts';
import { READ, WRITE } from './scopes.ts';
import type { InlineText, ListForm, Page, Shape, Submission } from './shape.ts';
import type { ShapeSpec } from './spec.ts';
import { at, fill, pathOf } from './template.ts';
import type { Values } from './template.ts';

const iso = (ms: number): string => new Date(ms).toISOString();
const inS = (ms: number): number => Math.floor(ms / 1_000);

function routes(spec: ShapeSpec): Route[] {
  const { auth, upload, submit, status, result, cancel, list } = spec;
  return [
    ...(auth.kind === 'oauth'
      ? [{ method: 'POST', path: auth.tokenPath, operation: 'token', scope: undefined } as const]
      : []),
    ...(upload === undefined
      ? []
      : [{ method: upload.method, path: upload.path, operation: 'putFile', scope: WRITE } as const]),
    { method: submit.method, path: submit.path, operation: 'submit', scope: WRITE },
    ...(list === undefined ? [] : [{ method: 'GET', path: list.path, operation: 'listJobs', scope: READ } as const]),
    { ...status, operation: 'getJob', scope: READ },
    ...(result === undefined ? [] : [{ ...result, operation: 'getResult', scope: READ } as const]),
    ...(cancel === undefined ? [] : [{ ...cancel, operation: 'cancelJob', scope: WRITE } as const]),
  ];
}

function listForm({ list }: ShapeSpec): ListForm {
  const { pagination = 'cursor', parameters, defaultLimit = 50, maxLimit = 100 } = list ?? {};
  const usualLimit = Math.min(defaultLimit, maxLimit);
  const position = parameters?.position ?? (pagination === 'link' ? 'cursor' : pagination);
  return { pagination, parameters: { limit: 'limit', ...parameters, position }, defaultLimit: usualLimit, maxLimit };
}

/** Reads a submit by the shape's JSON Schema, and takes from it what it names. */
function createSubmitReader({ submit }: ShapeSpec): (body: unknown) => Submission {
  const schema = z.fromJSONSchema(submit.schema);
  const { take, idempotency } = submit;
  const textAt = (body: unknown, path: string | undefined): string | null => {
    if (path === undefined) return null;
    const value = at(body, path) ?? null;
    if (value === null || typeof value === 'string') return value;
    throw new ApiError(400, 'VALIDATION', `${path}: must be text`, { field: path });
  };
  return (given) => {
    const body: unknown = parseBody(schema, given);
    return {
      input: textAt(body, take.file)?.replace(/^sha256:/, '') ?? null,
      format: 'text',
      callbackUrl: textAt(body, take.callbackUrl),
      reference: textAt(body, take.reference),
      key: idempotency.kind === 'body' ? textAt(body, idempotency.field) : null,
      fields: body,
      fingerprint: canonical(body),
    };
  };
}

/** The API that a shape file describes. */
export function createConfiguredShape(spec: ShapeSpec, webhookSecret: string): Shape {
  const { states, bodies, submit, webhooks, errors } = spec;
  const words: readonly (readonly [string, JobState])[] = [
    ...(states.queued === undefined ? [] : [[states.queued, 'processing'] as const]),
    [states.processing, 'processing'],
    [states.completed, 'completed'],
    [states.failed, 'failed'],
    [states.canceled, 'canceled'],
  ];
  const wordOf = (job: Job, nowMs: number): string =>
    job.state === 'processing' && states.queued !== undefined && nowMs < job.runsFromMs
      ? states.queued
      : states[job.state];

  const valuesOf = (job: Job, inline: InlineText): Values => ({
    id: job.id,
    word: wordOf(job, Date.now()),
    reference: job.reference,
    createdAt: iso(job.createdAtMs),
    createdAtS: inS(job.createdAtMs),
    updatedAt: iso(job.updatedAtMs),
    updatedAtS: inS(job.updatedAtMs),
    costMicros: job.costMicros,
    field: job.fields,
    file: job.input === null ? null : { sha256: job.input },
    work: job.result === null ? null : { ...job.result, ...inline },
    error: job.error === null ? null : fill(bodies.failure, job.error),
  });
  const renderResult = (job: Job, inline: InlineText): unknown =>
    job.result === null ? null : fill(bodies.result, valuesOf(job, inline));
  const renderJob = (job: Job, inline: InlineText): unknown =>
    fill(bodies.job, { ...valuesOf(job, inline), result: renderResult(job, inline) });

  const { list } = spec;
  const renderPage = (page: Page): ReturnType<Shape['renderPage']> => {
    const { next, total, offset, limit } = page;
    const body = fill(list?.body ?? {}, {
      items: page.jobs.map((job) => renderJob(job, {})),
      next,
      more: next !== null,
      total,
      offset,
      limit,
    });
    if (list?.pagination !== 'link' || next === null) return { body };
    const query = new URLSearchParams({
      [listForm(spec).parameters.position]: next,
      [list.parameters.limit]: String(limit),
    });
    return { body, headers: { Link: `<${list.path}?${query.toString()}>; rel="next"` } };
  };

  const jobPath = (id: string): string => spec.status.path.replace('{id}', encodeURIComponent(id));
  const eventNames: Readonly<Record<WebhookEvent, string | undefined>> = {
    'job.processing': webhooks?.events.processing,
    'job.completed': webhooks?.events.completed,
    'job.failed': webhooks?.events.failed,
    'job.canceled': webhooks?.events.canceled,
  };

  return {
    realm: spec.name,
    auth: spec.auth.kind === 'api-key' ? spec.auth : { kind: spec.auth.kind },
    routes: routes(spec),
    mediaTypes: spec.upload?.types ?? [],
    idempotency: submit.idempotency.kind === 'body' ? { kind: 'body' } : submit.idempotency,
    busy: submit.busy,
    acceptedStatus: submit.status,
    inputField: submit.take.file ?? 'body',
    list: listForm(spec),
    drift: { status: pathOf(bodies.job, 'word') ?? '', items: pathOf(list?.body ?? {}, 'items') ?? '' },
    wordOf,
    words,
    jobPath,
    acceptedRequest: ({ id, key, createdAtMs }) => [
      submit.method,
      submit.path.replace('{id}', encodeURIComponent(id)),
      key,
      createdAtMs,
    ],
    readSubmit: createSubmitReader(spec),
    renderFile: (file) =>
      fill(spec.upload?.body ?? {}, {
        sha256: file.sha256,
        bytes: file.bytes,
        mediaType: file.media.type,
        createdAt: iso(file.createdAtMs),
      }),
    renderJob,
    renderResult,
    renderPage,
    renderEvent: (event, atMs, job, inline) => {
      const name = eventNames[event];
      if (webhooks === undefined || name === undefined) return undefined;
      const values = { ...valuesOf(job, inline), result: renderResult(job, inline), job: renderJob(job, inline) };
      return fill(webhooks.body, { ...values, event: name, at: iso(atMs), atS: inS(atMs) });
    },
    renderError: ({ status, code, message, field }) => ({
      status: errors[code]?.status ?? status,
      body: fill(bodies.error, { code: errors[code]?.code ?? code, message, field }),
    }),
    sign:
      webhooks?.scheme.kind === 'hmac'
        ? createHmacSigner(webhooks.scheme, webhookSecret)
        : createStandardSigner(webhookSecret),
  };
}
