import { ApiError } from '../api-error.ts';
import type { RequestPlan } from '../faults/switches.ts';
import type { Answer } from './exchange.ts';

/** What a caller is told about an error; nothing about one that was not meant for it. */
export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof ApiError)) {
    return { status: 500, body: { error: { code: 'INTERNAL', message: 'Something went wrong in the service.' } } };
  }
  const { status, code, message, field, headers } = error;
  return { status, headers, body: { error: { code, message, ...(field === undefined ? {} : { field }) } } };
}

/** The answer a fault switch gives in place of the service. */
export function faultAnswer({ status, code, retryAfterS }: NonNullable<RequestPlan['error']>): Answer {
  return {
    status,
    headers: retryAfterS === undefined ? {} : { 'Retry-After': String(retryAfterS) },
    body: { error: { code, message: 'A fault switch of the sandbox answered this request.' } },
  };
}
