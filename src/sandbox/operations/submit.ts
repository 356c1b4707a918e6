import { createHash } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import type { Submission } from '../shape/shape.ts';
import type { Job } from '../state/entities.ts';
import type { OperationContext } from './context.ts';

const MAX_JSON_BYTES = 65_536;

async function readJson(exchange: Exchange): Promise<unknown> {
  const type = exchange.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json.');
  }
  const text = (await exchange.readBody(MAX_JSON_BYTES)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, 'VALIDATION', 'body: is not JSON', { field: 'body' });
  }
}

function checkKey(key: string, field: string): string {
  if (key === '') {
    throw new ApiError(400, 'IDEMPOTENCY_KEY_MISSING', `${field} is required: send one key per job.`, { field });
  }
  if (key.length > 255) throw new ApiError(400, 'VALIDATION', `${field}: must have at most 255 characters`, { field });
  return key;
}

/** Reads the key, bare or as the quoted string of the IETF draft; both mean the same key. */
function readKey(header: string | string[] | undefined, name: string): string {
  const text = typeof header === 'string' ? header.trim() : '';
  return checkKey(/^"(.*)"$/.exec(text)?.[1] ?? text, name);
}

const printOf = ({ fingerprint }: Submission): string => createHash('sha256').update(fingerprint).digest('hex');

const answerId = (clientId: string, key: string): string => `${clientId}\n${key}`;

/** The trace a request belongs to, where it says so. */
function traceOf(header: string | string[] | undefined): { readonly traceparent?: string } {
  const isOne = typeof header === 'string' && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(header);
  return isOne ? { traceparent: header } : {};
}

/** Creates the submit operation, which recognises a repeated request the way the shape says. */
export function createSubmit(context: OperationContext): (exchange: Exchange) => Promise<Answer> {
  const { config, store, engine, shape } = context;
  const underWay = new Set<string>();
  const uploadPath = shape.routes.find(({ operation }) => operation === 'putFile')?.path;

  const requireInput = (input: string | null): string | null => {
    if (input === null || store.get('file', input) !== undefined) return input;
    const field = shape.inputField;
    throw new ApiError(400, 'INPUT_NOT_FOUND', `${field}: no such file; PUT it to ${uploadPath} first.`, { field });
  };

  const refuseWhenBusy = (clientId: string): void => {
    const { busy } = shape;
    if (busy === undefined) return;
    const open = [...store.all('job')].filter((job) => job.state === 'processing' && job.clientId === clientId);
    if (open.length < busy.jobs) return;
    const headers = busy.retryAfterS === undefined ? {} : { 'Retry-After': String(busy.retryAfterS) };
    throw new ApiError(busy.status, busy.code, `${open.length} jobs are under way: wait until one has ended.`, {
      headers,
    });
  };

  const create = (exchange: Exchange, submission: Submission, key: string | null, id?: string): Answer => {
    const { format, callbackUrl, reference, fields } = submission;
    const input = requireInput(submission.input);
    refuseWhenBusy(exchange.clientId);
    let answer: Answer | undefined;
    const job = engine.submit(
      {
        ...(id === undefined ? {} : { id }),
        clientId: exchange.clientId,
        key,
        input,
        format,
        callbackUrl,
        reference,
        fields,
        fingerprint: printOf(submission),
        ...traceOf(exchange.headers['traceparent']),
      },
      (accepted) => {
        answer = accept(accepted);
        if (key === null || id !== undefined) return [];
        return [
          [
            'answer',
            answerId(exchange.clientId, key),
            {
              fingerprint: accepted.fingerprint,
              body: JSON.stringify(answer.body),
              location: shape.jobPath(accepted.id),
              expiresAtMs: Date.now() + config.idempotencyTtlMs,
            },
          ],
        ];
      },
    );
    exchange.notes.accepted = true;
    return answer ?? accept(job);
  };

  const accept = (job: Job): Answer => ({
    status: shape.acceptedStatus,
    headers: { Location: shape.jobPath(job.id) },
    body: shape.renderJob(job, {}),
  });

  /** Answers as the first time, or creates the job; what the key covers is read by `read` once the key is known. */
  const byKey = async (exchange: Exchange, key: string, read: () => Promise<Submission>): Promise<Answer> => {
    exchange.notes.key = key;
    const submission = await read();
    const id = answerId(exchange.clientId, key);
    const stored = store.get('answer', id);
    if (stored !== undefined && stored.expiresAtMs > Date.now()) {
      if (stored.fingerprint !== printOf(submission)) {
        throw new ApiError(422, 'IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key was used before with another body.');
      }
      exchange.notes.replayed = true;
      return {
        status: shape.acceptedStatus,
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
      return create(exchange, submission, key);
    } finally {
      underWay.delete(id);
    }
  };

  const readSubmission = async (exchange: Exchange): Promise<Submission> => shape.readSubmit(await readJson(exchange));

  const byId = async (exchange: Exchange): Promise<Answer> => {
    const id = exchange.params['id'] ?? '';
    exchange.notes.key = id;
    if (!/^[\w.-]{1,128}$/.test(id)) {
      throw new ApiError(400, 'VALIDATION', 'id: must be 1 to 128 letters, digits, dots, dashes or underscores', {
        field: 'id',
      });
    }
    const submission = await readSubmission(exchange);
    await exchange.linger();
    const known = store.get('job', id);
    if (known === undefined) return create(exchange, submission, id, id);
    if (known.clientId !== exchange.clientId || known.fingerprint !== printOf(submission)) {
      throw new ApiError(409, 'ID_CONFLICT', 'A job with this id and another body exists.');
    }
    exchange.notes.replayed = true;
    return accept(known);
  };

  return async (exchange) => {
    const { idempotency } = shape;
    switch (idempotency.kind) {
      case 'header': {
        const key = readKey(exchange.headers[idempotency.header.toLowerCase()], idempotency.header);
        return byKey(exchange, key, () => readSubmission(exchange));
      }
      case 'body': {
        const submission = await readSubmission(exchange);
        return byKey(exchange, checkKey(submission.key ?? '', 'The key'), async () => submission);
      }
      case 'put-id':
        return byId(exchange);
      default: {
        const submission = await readSubmission(exchange);
        await exchange.linger();
        return create(exchange, submission, null);
      }
    }
  };
}
