import { ApiError } from '../api-error.ts';
import type { RequestPlan } from '../faults/switches.ts';
import type { Shape } from '../shape/shape.ts';
import type { Answer } from './exchange.ts';

type RenderError = Shape['renderError'];

/** What a caller is told about an error; nothing about one that was not meant for it. */
export function errorAnswer(error: unknown, render: RenderError): Answer {
  if (error instanceof ApiError) return { headers: error.headers, ...render(error) };
  return render(new ApiError(500, 'INTERNAL', 'Something went wrong in the service.'));
}

/** The answer a fault switch gives in place of the service. */
export function faultAnswer(
  { status, code, retryAfterS }: NonNullable<RequestPlan['error']>,
  render: RenderError,
): Answer {
  const message = 'A fault switch of the sandbox answered this request.';
  return {
    headers: retryAfterS === undefined ? {} : { 'Retry-After': String(retryAfterS) },
    ...render({ status, code, message, field: undefined }),
    status,
  };
}
