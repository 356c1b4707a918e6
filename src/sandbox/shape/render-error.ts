import type { ApiError } from '../api-error.ts';
import type { Answer } from '../http/exchange.ts';

/** An error in docproc's form, which the control plane has, too. */
export function renderApiError({
  status,
  code,
  message,
  field,
}: Pick<ApiError, 'status' | 'code' | 'message' | 'field'>): Pick<Answer, 'status' | 'body'> {
  return { status, body: { error: { code, message, ...(field === undefined ? {} : { field }) } } };
}
