import { z } from 'zod';
import type { Template } from './template.ts';

const text = z.string().min(1);
const path = z.string().regex(/^\/[^?#\s]*$/, 'must be a path that begins with / and has no query');
const jobPath = path.regex(/\{id\}/, 'must contain {id}');
const header = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'must be a header name');
/** A field of a JSON body, `a.b` for a nested one. */
const field = z.string().regex(/^[\w-]+(\.[\w-]+)*$/, 'must be a field such as options.format');
const template: z.ZodType<Template> = z.json();
const method = z.enum(['GET', 'PUT', 'POST', 'PATCH', 'DELETE']);

const auth = z.discriminatedUnion('kind', [
  /** Client credentials, with a token endpoint. */
  z.strictObject({ kind: z.literal('oauth'), tokenPath: path.default('/oauth/token') }),
  z.strictObject({ kind: z.literal('api-key'), header: header.default('X-Api-Key') }),
  z.strictObject({ kind: z.literal('bearer') }),
  z.strictObject({ kind: z.literal('basic') }),
  z.strictObject({ kind: z.literal('none') }),
]);

const idempotency = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('header'), header: header.default('Idempotency-Key') }),
  z.strictObject({ kind: z.literal('body'), field }),
  /** The client chooses the id: the submit's path has it. */
  z.strictObject({ kind: z.literal('put-id') }),
  z.strictObject({ kind: z.literal('none') }),
]);

const submit = z.strictObject({
  method: method.default('POST'),
  path,
  /** What an accepted submit answers. */
  status: z.int().min(200).max(299).default(202),
  /** JSON Schema of the body. @default any object */
  schema: z.record(z.string(), z.json()).default({ type: 'object' }),
  /** Where in the body stands what the service works with. */
  take: z
    .strictObject({
      /** SHA-256 of the uploaded file, with or without `sha256:` before it. */
      file: field.optional(),
      callbackUrl: field.optional(),
      reference: field.optional(),
    })
    .prefault({}),
  idempotency: idempotency.prefault({ kind: 'header' }),
  /** Refuses a submit while so many jobs of the client are under way. */
  busy: z
    .strictObject({
      jobs: z.int().positive(),
      status: z.int().min(400).max(599).default(409),
      code: text.default('BUSY'),
      retryAfterS: z.int().nonnegative().optional(),
    })
    .optional(),
});

const list = z
  .strictObject({
    path,
    pagination: z.enum(['cursor', 'offset', 'page', 'link']).default('cursor'),
    parameters: z
      .strictObject({
        /** @default the pagination's own name; `cursor` for `link` */
        position: text.optional(),
        limit: text.default('limit'),
        status: text.optional(),
        reference: text.optional(),
        updatedAfter: text.optional(),
      })
      .prefault({}),
    defaultLimit: z.int().positive().default(50),
    maxLimit: z.int().positive().default(100),
    /** The answer, of `$items`, `$next`, `$more`, `$total`, `$offset` and `$limit`. */
    body: template.default({ data: '$items', next_cursor: '$next' }),
  })
  .optional();

const hmac = z.strictObject({
  kind: z.literal('hmac'),
  signatureHeader: header,
  prefix: z.string().default(''),
  encoding: z.enum(['hex', 'base64']).default('hex'),
  template: z.string().endsWith('{body}').default('{timestamp}.{body}'),
  timestampHeader: header.optional(),
  idHeader: header.optional(),
});

const webhooks = z
  .strictObject({
    scheme: z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('standard') }), hmac]),
    /** The name of each state's event; a state without one causes none. */
    events: z.strictObject({
      processing: text.optional(),
      completed: text.optional(),
      failed: text.optional(),
      canceled: text.optional(),
    }),
    /** The payload, of `$event`, `$at`, `$atS`, `$job` and whatever a job may name. */
    body: template.default({ type: '$event', data: '$job' }),
  })
  .optional();

const work = z.discriminatedUnion('kind', [
  /** Reads the text of a PDF, plain text or Markdown file. */
  z.strictObject({ kind: z.literal('text') }),
  /** Measures a WAV file. */
  z.strictObject({ kind: z.literal('audio') }),
  /** Nothing: the result is what the templates make of the request. */
  z.strictObject({
    kind: z.literal('none'),
    /** Jobs that fail: those whose field matches. */
    fails: z.array(z.strictObject({ field, matches: z.string().min(1), code: text, message: text })).default([]),
  }),
]);

/** The API of one company, as data: what `shape` in a `sandbox.yaml` holds. Every template is JSON; see `template.ts`. */
export const shapeSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be the service’s short name'),
    auth: auth.prefault({ kind: 'none' }),
    upload: z
      .strictObject({
        method: method.default('PUT'),
        path: path.regex(/\{sha256\}/, 'must contain {sha256}'),
        types: z.array(z.string().regex(/^[\w.+-]+\/[\w.+-]+$/)).min(1),
        /** The answer, of `$sha256`, `$bytes`, `$mediaType` and `$createdAt`. */
        body: template.default({ sha256: '$sha256', bytes: '$bytes' }),
      })
      .optional(),
    submit,
    status: z.strictObject({ method: method.default('GET'), path: jobPath }),
    /** The result apart from the status. */
    result: z.strictObject({ method: method.default('GET'), path: jobPath }).optional(),
    cancel: z.strictObject({ method: method.default('POST'), path: jobPath }).optional(),
    list,
    /** Their words. `queued` is what a job is called until the work begins. */
    states: z.strictObject({
      queued: text.optional(),
      processing: text,
      completed: text,
      failed: text,
      canceled: text.default('canceled'),
    }),
    bodies: z.strictObject({
      /**
       * A job, of `$id`, `$word`, `$reference`, `$createdAt`, `$updatedAt` (also with `S` at the end: epoch seconds), `$costMicros`,
       * `$result`, `$error` (null, or its body), `$field.…` (of the submit) and `$file.…` (`sha256`, `bytes`, `mediaType`).
       */
      job: template,
      /** What a completed job holds, of the same and `$work.…`. */
      result: template.default({}),
      /** Why a job failed, of `$code` and `$message`. */
      failure: template.default({ code: '$code', message: '$message' }),
      /** An error answer, of `$code`, `$message` and `$field`. */
      error: template.default({ error: { code: '$code', message: '$message' } }),
    }),
    /** Other statuses and codes for errors of the API, by the name they have here. */
    errors: z
      .record(z.string(), z.strictObject({ status: z.int().min(400).max(599).optional(), code: text.optional() }))
      .default({}),
    webhooks,
    work: work.prefault({ kind: 'none' }),
  })
  .superRefine((spec, context) => {
    const inPath = spec.submit.path.includes('{id}');
    if (inPath !== (spec.submit.idempotency.kind === 'put-id')) {
      const message = inPath
        ? 'has {id}: then submit.idempotency.kind must be put-id'
        : 'must contain {id}, because submit.idempotency.kind is put-id';
      context.addIssue({ code: 'custom', path: ['submit', 'path'], message });
    }
    const needsFile = spec.work.kind !== 'none';
    if (needsFile && (spec.upload === undefined || spec.submit.take.file === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['work', 'kind'],
        message: `${spec.work.kind} needs a file: say upload and submit.take.file`,
      });
    }
  });

export type ShapeSpec = z.output<typeof shapeSchema>;
export type ShapeInput = z.input<typeof shapeSchema>;
