import { z } from 'zod';
import { classifyTransport } from '../../rules/classify-transport.ts';
import type { Failure } from '../../rules/failure.ts';
import { parseHttpDate } from '../../rules/http-date.ts';
import { readRetryAfter } from '../../rules/limit-headers.ts';
import { serviceToken } from '../../rules/service-text.ts';
import type { TransportError } from '../transport-error.ts';
import { RequestFailed } from '../types.ts';
import type { TransportResponse } from '../wire.ts';

const errorBody = z.object({ error: z.string() });

/** A failure to get a token. The request it was for has not been sent, and what heals by waiting does not use up its attempts. */
export function tokenFailure(
  failure: Pick<Failure, 'code' | 'retryable' | 'message'> & Partial<Failure>,
  cause?: unknown,
): RequestFailed {
  return new RequestFailed({ ...failure, arrival: 'never', throttled: failure.retryable }, { cause });
}

/** The failure that a token endpoint's answer other than 200 means. */
export function refusal(host: string, answer: TransportResponse, scopes: readonly string[]): RequestFailed {
  const { status, headers } = answer;
  const serviceCode = serviceToken(errorBody.safeParse(parseJson(answer.bytes)).data?.error);
  const serverNowMs = parseHttpDate(headers['date'] ?? '', answer.headMs) ?? answer.headMs;
  const retryAfterMs = readRetryAfter(headers['retry-after'], serverNowMs);
  const facts = {
    status,
    ...(serviceCode !== undefined && { serviceCode }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  const said = serviceCode === undefined ? `${status}` : `${status} ${serviceCode}`;
  if (status === 429 || status === 408 || status >= 500 || serviceCode === 'temporarily_unavailable') {
    return tokenFailure({
      ...facts,
      code: 'SERVICE_UNAVAILABLE',
      retryable: true,
      message: `The token endpoint ${host} answered ${said}; it is asked again.`,
    });
  }
  if (serviceCode === 'invalid_scope') {
    return tokenFailure({
      ...facts,
      code: 'SCOPE_MISSING',
      retryable: false,
      message: `The token endpoint ${host} does not grant scope ${scopes.join(' ')} to this client (${said}).`,
    });
  }
  return tokenFailure({
    ...facts,
    code: 'AUTH_FAILED',
    retryable: false,
    message: `The token endpoint ${host} refused our credentials (${said}). Check the secrets auth refers to.`,
  });
}

/** The failure of a token request that got no answer, or none worth reading. */
export function noAnswer(host: string, error: TransportError): RequestFailed {
  const { code } = classifyTransport(error);
  return tokenFailure(
    {
      code: code === 'SERVICE_TIMEOUT' ? code : 'SERVICE_UNAVAILABLE',
      retryable: true,
      message: `The token endpoint ${host} gave no answer (${error.problem}); it is asked again.`,
    },
    error,
  );
}

/** A body as JSON; `undefined` when it is none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
