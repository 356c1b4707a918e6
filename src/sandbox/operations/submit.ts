import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { formats } from '../extraction/render-result.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import type { Job } from '../state/entities.ts';
import type { OperationContext } from './context.ts';

const MAX_JSON_BYTES = 65_536;

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

type Body = z.output<typeof bodySchema>;

async function readJob(exchange: Exchange): Promise<Body> {
  const type = exchange.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json.');
  }
  const text = (await exchange.readBody(MAX_JSON_BYTES)).toString('utf8');
  const parsed = bodySchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])];
  const field = path.join('.') || 'body';
  throw new ApiError(400, 'VALIDATION', `${field}: ${issue?.message ?? 'is not valid'}`, { field });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, 'VALIDATION', 'body: is not JSON', { field: 'body' });
  }
}

/** Reads the key, bare or as the quoted string of the IETF draft; both mean the same key. */
function readKey(header: string | string[] | undefined): string {
  const text = typeof header === 'string' ? header.trim() : '';
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (key === '') {
    throw new ApiError(400, 'IDEMPOTENCY_KEY_MISSING', 'Idempotency-Key is required: send one key per job.', {
      field: 'Idempotency-Key',
    });
  }
  if (key.length > 255) {
    throw new ApiError(400, 'VALIDATION', 'Idempotency-Key: must have at most 255 characters', {
      field: 'Idempotency-Key',
    });
  }
  return key;
}

/** Zod's output has its fields in the schema's order, whatever order they came in: equal content, equal print. */
const fingerprintOf = (body: Body): string => createHash('sha256').update(JSON.stringify(body)).digest('hex');

const answerId = (clientId: string, key: string): string => `${clientId}\n${key}`;

/** Creates the submit operation, which recognises a repeated request the way the configuration says. */
export function createSubmit(context: OperationContext): (exchange: Exchange) => Promise<Answer> {
  const { config, store, engine, shape } = context;
  const underWay = new Set<string>();

  const requireInput = (body: Body): string => {
    const sha256 = body.input.slice('sha256:'.length);
    if (store.get('file', sha256) !== undefined) return sha256;
    throw new ApiError(400, 'INPUT_NOT_FOUND', 'input: no such file; PUT it to /v3/files/{sha256} first.', {
      field: 'input',
    });
  };

  const create = (exchange: Exchange, body: Body, key: string | null, id?: string): { job: Job; answer: Answer } => {
    let answer: Answer | undefined;
    const job = engine.submit(
      {
        ...(id === undefined ? {} : { id }),
        clientId: exchange.clientId,
        key,
        input: requireInput(body),
        format: body.options.format,
        callbackUrl: body.callback_url ?? null,
        reference: body.reference ?? null,
      },
      (accepted) => {
        answer = accept(accepted);
        if (key === null || id !== undefined) return [];
        return [
          [
            'answer',
            answerId(exchange.clientId, key),
            {
              fingerprint: fingerprintOf(body),
              body: JSON.stringify(answer.body),
              location: shape.jobPath(accepted.id),
              expiresAtMs: Date.now() + config.idempotencyTtlMs,
            },
          ],
        ];
      },
    );
    exchange.notes.accepted = true;
    return { job, answer: answer ?? accept(job) };
  };

  const accept = (job: Job): Answer => ({
    status: 202,
    headers: { Location: shape.jobPath(job.id) },
    body: shape.renderJob(job, {}),
  });

  const byHeader = async (exchange: Exchange): Promise<Answer> => {
    const key = readKey(exchange.headers['idempotency-key']);
    exchange.notes.key = key;
    const body = await readJob(exchange);
    const id = answerId(exchange.clientId, key);
    const stored = store.get('answer', id);
    if (stored !== undefined && stored.expiresAtMs > Date.now()) {
      if (stored.fingerprint !== fingerprintOf(body)) {
        throw new ApiError(422, 'IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key was used before with another body.');
      }
      exchange.notes.replayed = true;
      return {
        status: 202,
        headers: { Location: stored.location, 'Idempotent-Replayed': 'true' },
        body: JSON.parse(stored.body),
      };
    }
    if (underWay.has(id)) {
      throw new ApiError(
        409,
        'IDEMPOTENCY_KEY_IN_USE',
        'A request with this Idempotency-Key is still being processed.',
      );
    }
    underWay.add(id);
    try {
      await exchange.linger();
      return create(exchange, body, key).answer;
    } finally {
      underWay.delete(id);
    }
  };

  const byId = async (exchange: Exchange): Promise<Answer> => {
    const id = exchange.params['id'] ?? '';
    exchange.notes.key = id;
    if (!/^[\w.-]{1,128}$/.test(id)) {
      throw new ApiError(400, 'VALIDATION', 'id: must be 1 to 128 letters, digits, dots, dashes or underscores', {
        field: 'id',
      });
    }
    const body = await readJob(exchange);
    await exchange.linger();
    const known = store.get('job', id);
    if (known === undefined) return create(exchange, body, id, id).answer;
    const isSame =
      known.clientId === exchange.clientId &&
      fingerprintOf(body) ===
        fingerprintOf({
          input: `sha256:${known.input}`,
          options: { format: known.format },
          ...(known.callbackUrl === null ? {} : { callback_url: known.callbackUrl }),
          ...(known.reference === null ? {} : { reference: known.reference }),
        });
    if (!isSame) throw new ApiError(409, 'ID_CONFLICT', 'A job with this id and another body exists.');
    exchange.notes.replayed = true;
    return accept(known);
  };

  const always = async (exchange: Exchange): Promise<Answer> => {
    const body = await readJob(exchange);
    await exchange.linger();
    return create(exchange, body, null).answer;
  };

  return { header: byHeader, 'put-id': byId, none: always }[config.idempotency];
}
