import { z } from 'zod';
import { defineIntegration } from '../../../src/definition/index.ts';
import {
  CONTRACT_VERSION,
  COST_PER_JOB_MICROS,
  EVENTS,
  KEY_LIFETIME_MS,
  LOOKUP_SETTLE_MS,
  SERVICE,
  STATES,
  WEBHOOK_RETRY_HORIZON_MS,
} from './constants.ts';
import { toDocument } from './document.ts';
import { hasSameInput, toJobBody, toRemoteJob } from './mappers.ts';
import { eventDto, extractionInput, extractionResult, jobDto, jobPageDto } from './models.ts';

const errorBody = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** Document processing: a PDF, text or Markdown file goes in, its text comes out. */
export const integration = defineIntegration({
  service: SERVICE,
  title: 'Document processing',
  contractVersion: CONTRACT_VERSION,
  input: extractionInput,
  result: extractionResult,
  fromFile: (file) => ({ document: toDocument(file), options: { format: 'text' as const } }),
  upload: {
    files: ({ document }) => [document],
    request: (file) => ({ method: 'PUT', path: `/v3/files/${file.sha256}` }),
  },
  submit: {
    request: ({ input, reference, callbackUrl }) => ({
      method: 'POST',
      path: '/v3/jobs',
      json: toJobBody(input, reference, callbackUrl),
    }),
    response: jobDto,
    read: toRemoteJob,
    sameInput: hasSameInput,
    idempotency: { kind: 'header', name: 'Idempotency-Key', lifetimeMs: KEY_LIFETIME_MS },
  },
  status: {
    request: ({ externalId }) => ({ method: 'GET', path: `/v3/jobs/${encodeURIComponent(externalId)}` }),
    response: jobDto,
    read: toRemoteJob,
  },
  lookup: {
    request: ({ reference }) => ({ method: 'GET', path: '/v3/jobs', query: { reference, limit: 1 } }),
    response: jobPageDto,
    read: ({ data: [job] }) => (job === undefined ? undefined : toRemoteJob(job)),
    settleMs: LOOKUP_SETTLE_MS,
  },
  cancel: {
    request: ({ externalId }) => ({ method: 'POST', path: `/v3/jobs/${encodeURIComponent(externalId)}/cancel` }),
    response: jobDto,
    read: toRemoteJob,
  },
  list: {
    request: ({ cursor, limit, updatedAfter }) => ({
      method: 'GET',
      path: '/v3/jobs',
      query: { cursor, limit, updated_after: updatedAfter },
    }),
    response: jobPageDto,
    read: ({ data, next_cursor }) => ({
      jobs: data.map(toRemoteJob),
      ...(next_cursor === null ? {} : { next: next_cursor }),
    }),
  },
  states: STATES,
  errors: [
    // The first request with this key is still being worked on: the same request again will get its answer.
    {
      status: 409,
      serviceCode: 'IDEMPOTENCY_KEY_IN_USE',
      code: 'CONFLICT',
      retryable: true,
      throttled: true,
      conflict: 'busy',
    },
    {
      status: 422,
      serviceCode: 'IDEMPOTENCY_KEY_REUSED',
      code: 'IDEMPOTENCY_KEY_REUSED',
      retryable: false,
      conflict: 'invalid',
    },
  ],
  readError: (body) => errorBody.safeParse(body).data?.error,
  webhook: {
    scheme: { kind: 'standard-webhooks' },
    payload: eventDto,
    read: ({ type, data }) => ({
      state: Object.hasOwn(EVENTS, type) ? EVENTS[type as keyof typeof EVENTS] : undefined,
      externalId: data.id,
      ...(data.reference === null ? {} : { reference: data.reference }),
    }),
    retryHorizonMs: WEBHOOK_RETRY_HORIZON_MS,
  },
  cost: { perJobMicros: COST_PER_JOB_MICROS },
});
