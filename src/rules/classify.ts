import type { ErrorCode } from '../contracts/errors.ts';
import type { Arrival, Conflict, ErrorRule, Failure } from './failure.ts';
import { serviceText, serviceToken } from './service-text.ts';

/** What is known of an answer that is a failure. */
export interface FailedAnswer {
  /** 2xx where the failure stands in the body. */
  readonly status: number;
  /** Milliseconds from Retry-After. */
  readonly retryAfterMs?: number;
  /** The scope a `WWW-Authenticate: Bearer error="insufficient_scope"` names; empty when it names none. */
  readonly missingScope?: string;
  /** What the integration's `readError` or `failureIn2xx` read. */
  readonly serviceCode?: string;
  readonly serviceMessage?: string;
}

interface Verdict {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly arrival: Arrival;
  readonly throttled: boolean;
  readonly conflict?: Conflict;
}

const refused = (code: ErrorCode): Verdict => ({ code, retryable: false, arrival: 'refused', throttled: false });
const unclear = (code: ErrorCode): Verdict => ({ code, retryable: true, arrival: 'maybe', throttled: false });
const THROTTLED: Verdict = { code: 'THROTTLED', retryable: true, arrival: 'refused', throttled: true };

/** The default table. A status it does not name goes by its class. */
const BY_STATUS: Readonly<Record<number, Verdict>> = {
  // 303 may be the answer to a POST that was done; the other redirects did nothing.
  303: { ...refused('CONTRACT_VIOLATION'), arrival: 'maybe' },
  401: refused('AUTH_FAILED'),
  403: refused('AUTH_FAILED'),
  404: refused('NOT_FOUND'),
  405: refused('CONTRACT_VIOLATION'),
  406: refused('CONTRACT_VIOLATION'),
  407: refused('AUTH_FAILED'),
  408: unclear('SERVICE_TIMEOUT'),
  409: refused('CONFLICT'),
  410: refused('NOT_FOUND'),
  412: refused('CONFLICT'),
  413: refused('PAYLOAD_TOO_LARGE'),
  415: refused('UNSUPPORTED_MEDIA_TYPE'),
  423: refused('CONFLICT'),
  425: { ...refused('SERVICE_UNAVAILABLE'), retryable: true },
  429: THROTTLED,
  501: refused('CONTRACT_VIOLATION'),
  504: unclear('SERVICE_TIMEOUT'),
  505: refused('CONTRACT_VIOLATION'),
};

function byDefault(answer: FailedAnswer): Verdict {
  const { status, retryAfterMs, missingScope } = answer;
  // Without Retry-After a 503 may come from a proxy whose upstream broke off half-way.
  if (status === 503 && retryAfterMs !== undefined) return THROTTLED;
  if ((status === 409 || status === 423) && retryAfterMs !== undefined) {
    return { ...refused('CONFLICT'), retryable: true, conflict: 'busy' };
  }
  if ((status === 401 || status === 403) && missingScope !== undefined) return refused('SCOPE_MISSING');
  const named = BY_STATUS[status];
  if (named !== undefined) return named;
  if (status >= 500) return unclear('SERVICE_UNAVAILABLE');
  if (status >= 300 && status < 400) return refused('CONTRACT_VIOLATION');
  return refused('VALIDATION');
}

/** What a matching rule says, filled up where it is silent. */
function byRule(rule: ErrorRule, fallback: Verdict): Verdict {
  const conflict = rule.conflict ?? fallback.conflict;
  return {
    code: rule.code,
    retryable: rule.retryable,
    arrival: rule.arrival ?? (rule.conflict === 'duplicate' ? 'accepted' : fallback.arrival),
    throttled: rule.throttled ?? rule.code === 'THROTTLED',
    ...(conflict === undefined ? {} : { conflict }),
  };
}

function oneOf<Value>(wanted: Value | readonly Value[] | undefined, actual: Value | undefined): boolean {
  if (wanted === undefined) return true;
  return Array.isArray(wanted) ? wanted.includes(actual) : wanted === actual;
}

/** Judges a failed answer: by the first of the integration's rules that fits, else by the default table. */
export function classifyAnswer(answer: FailedAnswer, rules: readonly ErrorRule[]): Failure {
  const serviceCode = serviceToken(answer.serviceCode);
  const fallback = byDefault(answer);
  const rule = rules.find(
    (candidate) => oneOf(candidate.status, answer.status) && oneOf(candidate.serviceCode, answer.serviceCode),
  );
  const verdict = rule === undefined ? fallback : byRule(rule, fallback);
  return {
    ...verdict,
    status: answer.status,
    ...(answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs }),
    ...(serviceCode === undefined ? {} : { serviceCode }),
    message: describe(answer, verdict, serviceCode),
  };
}

function describe(answer: FailedAnswer, verdict: Verdict, serviceCode: string | undefined): string {
  const own = serviceText(answer.serviceMessage ?? '');
  const said = [serviceCode, own === '' ? undefined : own].filter((part) => part !== undefined).join(': ');
  const status = answer.status < 300 ? `${answer.status} with a failure inside` : String(answer.status);
  const fact = `The service answered ${status}${said === '' ? '' : ` (${said})`}`;
  if (verdict.code === 'SCOPE_MISSING' && answer.missingScope !== undefined) {
    const scope = serviceText(answer.missingScope);
    return `${fact}: the token lacks ${scope === '' ? 'a scope it does not name' : `the scope "${scope}"`}.`;
  }
  if (answer.status >= 300 && answer.status < 400) {
    return `${fact}: a redirect, and redirects are not followed. Check service.base_url.`;
  }
  return `${fact}.`;
}
