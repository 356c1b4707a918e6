import type { Json } from '../contracts/json.ts';
import { classifyAnswer } from '../rules/classify.ts';
import type { FailedAnswer } from '../rules/classify.ts';
import type { ErrorRule, Failure } from '../rules/failure.ts';
import type { TransportResponse } from './wire.ts';

/** How one service's answers are to be understood. */
export interface AnswerRules {
  /** The integration's own error table; it goes before the default one. */
  readonly errorRules: readonly ErrorRule[];
  /** Reads the service's own error code and message out of an error body. */
  readonly readError?: ((body: Json) => { readonly code?: string; readonly message?: string } | undefined) | undefined;
  /** Finds a failure inside a 2xx answer. */
  readonly failureIn2xx?: ((body: Json) => { readonly code: string; readonly message: string } | undefined) | undefined;
}

/** An answer understood: its parsed body where it is JSON, and the failure it is, if it is one. */
export interface Judgement {
  readonly json?: Json;
  readonly failure?: Failure;
}

/** Judges an answer. `retryAfterMs` is what its Retry-After said. */
export function judge(answer: TransportResponse, retryAfterMs: number | undefined, rules: AnswerRules): Judgement {
  const { status, headers } = answer;
  const failed = (own: ReturnType<NonNullable<AnswerRules['readError']>>, more: Partial<FailedAnswer> = {}) => ({
    failure: classifyAnswer(
      {
        status,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        ...(own?.code === undefined ? {} : { serviceCode: own.code }),
        ...(own?.message === undefined ? {} : { serviceMessage: own.message }),
        ...more,
      },
      rules.errorRules,
    ),
  });
  const { json, problem } = parseJson(answer);
  if (status >= 300) {
    return failed(readLeniently(rules.readError, json), missingScope(headers['www-authenticate']));
  }
  if (problem !== undefined) return { failure: unreadable(status, problem) };
  if (json === undefined) return {};
  const own = readLeniently(rules.failureIn2xx, json);
  return own === undefined ? { json } : failed(own);
}

/**
 * A body that is not what the integration expects is no reason to fail here: an error (a proxy's, say) has its status to go
 * by, and a 2xx answer is held against its schema later, which names the path.
 */
function readLeniently(read: AnswerRules['readError'], json: Json | undefined) {
  if (json === undefined) return undefined;
  try {
    return read?.(json);
  } catch {
    return undefined;
  }
}

function unreadable(status: number, problem: string): Failure {
  const message = `The service answered ${status} with ${problem}.`;
  return { code: 'CONTRACT_VIOLATION', retryable: false, arrival: 'accepted', throttled: false, status, message };
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

function parseJson({ status, headers, bytes }: TransportResponse): { readonly json?: Json; readonly problem?: string } {
  if (!/^(?:identity)?$/i.test(headers['content-encoding'] ?? '')) {
    return { problem: 'a compressed body, which was not asked for' };
  }
  if (status === 204 || !JSON_TYPE.test(headers['content-type'] ?? '')) return {};
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json };
  } catch {
    return { problem: 'a body that is not the JSON it announced' };
  }
}

/** What `WWW-Authenticate: Bearer error="insufficient_scope", scope="jobs:write"` says (RFC 6750, 3.1). */
function missingScope(challenge: string | undefined): Pick<FailedAnswer, 'missingScope'> {
  if (challenge === undefined || !/\berror="?insufficient_scope\b/i.test(challenge)) return {};
  return { missingScope: /\bscope="(?<scope>[^"]*)"/i.exec(challenge)?.groups?.['scope'] ?? '' };
}
