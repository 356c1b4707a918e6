import type { ObservedState } from '../../contracts/states.ts';

/** A JSON Schema without references, as far as a proposal reads it. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly example?: unknown;
  readonly default?: unknown;
  readonly description?: string;
}

export type ProposedAuth =
  | { readonly type: 'oauth_client_credentials'; readonly tokenPath: string; readonly scopes: readonly string[] }
  | { readonly type: 'api_key'; readonly header: string }
  | { readonly type: 'bearer' | 'basic' | 'none' };

export type ProposedIdempotency =
  | { readonly kind: 'header'; readonly header: string }
  | { readonly kind: 'body'; readonly field: string }
  | { readonly kind: 'put-id' | 'none' };

/** What an integration could look like: every value was said by somebody or guessed, and guesses are told. Paths have `{id}` in them. */
export interface Proposal {
  readonly title: string;
  readonly contractVersion: string;
  readonly apiVersion: string;
  readonly baseUrl: string;
  readonly auth: ProposedAuth;
  /** Content-addressed: the path holds `{sha256}`, and a field of the submit's body takes it. */
  readonly upload?: {
    readonly method: 'PUT' | 'POST';
    readonly path: string;
    readonly types: readonly string[];
    readonly field: string;
  };
  readonly submit: {
    readonly method: 'POST' | 'PUT';
    readonly path: string;
    readonly status: number;
    readonly body: Schema;
    readonly idempotency: ProposedIdempotency;
    /** Fields of the body that we fill: our reference, where webhooks go. */
    readonly referenceField?: string;
    readonly callbackField?: string;
  };
  readonly status: { readonly path: string };
  readonly cancel?: { readonly method: 'POST' | 'DELETE'; readonly path: string };
  readonly list?: {
    readonly path: string;
    readonly position: string;
    readonly pagination: 'cursor' | 'offset' | 'page';
    readonly limit: string;
    readonly reference?: string;
    readonly updatedAfter?: string;
    readonly page: Schema;
    readonly items: string;
    /** The field with the next cursor. */
    readonly next?: string;
  };
  /** What a job's answer holds, and where. */
  readonly job: {
    readonly body: Schema;
    readonly id: string;
    readonly word: string;
    readonly reference?: string;
    readonly result?: string;
    readonly error?: string;
    readonly costMicros?: string;
  };
  readonly words: Readonly<Record<string, ObservedState>>;
  /** Only where a submit takes the URL webhooks go to. */
  readonly webhook: ProposedWebhook;
  /** Each guess as a sentence. */
  readonly guesses: readonly string[];
}

/** A payload's field with the event's name, the one with the job, and what each event claims. */
export interface ProposedWebhook {
  readonly type: string;
  readonly data: string;
  readonly events: Readonly<Record<string, ObservedState>>;
}

/** What is proposed of webhooks where no document tells. */
export const USUAL_WEBHOOK: ProposedWebhook = {
  type: 'type',
  data: 'data',
  events: { 'job.completed': 'COMPLETED', 'job.failed': 'FAILED', 'job.canceled': 'CANCELED' },
};

export const KEY_ERRORS_GUESS =
  'The codes of a key that is in use, and of one that was used for other input, are those of the sandbox: see `errors` of the definition.';

/** What is proposed where no document says otherwise. */
export function usualProposal(service: string): Proposal {
  const text: Schema = { type: 'string', minLength: 1 };
  return {
    title: service,
    contractVersion: '1.0.0',
    apiVersion: 'v1',
    baseUrl: `https://api.sandbox.${service}.example.com`,
    auth: { type: 'bearer' },
    submit: {
      method: 'POST',
      path: '/v1/jobs',
      status: 202,
      body: {
        type: 'object',
        required: ['input'],
        properties: { input: text, reference: { type: 'string' }, callback_url: { type: 'string' } },
      },
      idempotency: { kind: 'header', header: 'Idempotency-Key' },
      referenceField: 'reference',
      callbackField: 'callback_url',
    },
    status: { path: '/v1/jobs/{id}' },
    cancel: { method: 'POST', path: '/v1/jobs/{id}/cancel' },
    list: {
      path: '/v1/jobs',
      position: 'cursor',
      pagination: 'cursor',
      limit: 'limit',
      reference: 'reference',
      updatedAfter: 'updated_after',
      page: {
        type: 'object',
        required: ['data', 'next_cursor'],
        properties: { data: { type: 'array' }, next_cursor: { type: ['string', 'null'] } },
      },
      items: 'data',
      next: 'next_cursor',
    },
    job: {
      body: {
        type: 'object',
        required: ['id', 'status', 'reference', 'result', 'error'],
        properties: {
          id: text,
          status: { type: 'string' },
          reference: { type: ['string', 'null'] },
          result: {
            type: ['object', 'null'],
            required: ['output'],
            properties: { output: { type: 'string' } },
          },
          error: {
            type: ['object', 'null'],
            required: ['code', 'message'],
            properties: { code: { type: 'string' }, message: { type: 'string' } },
          },
        },
      },
      id: 'id',
      word: 'status',
      reference: 'reference',
      result: 'result',
      error: 'error',
    },
    words: { PROCESSING: 'PROCESSING', COMPLETED: 'COMPLETED', FAILED: 'FAILED', CANCELED: 'CANCELED' },
    webhook: USUAL_WEBHOOK,
    guesses: [
      'No document of the API was given: paths, fields and words are the usual ones. Compare each with the service.',
      KEY_ERRORS_GUESS,
      `Webhooks are proposed as Standard Webhooks named ${Object.keys(USUAL_WEBHOOK.events).join(', ')}; one that is signed otherwise is refused, and its job polled.`,
    ],
  };
}
