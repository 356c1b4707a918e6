import { parseHttpDate } from './http-date.ts';
import { parseItems } from './structured-fields.ts';

/** One window of requests a service counts by. */
interface LimitWindow {
  /** Requests the window allows. */
  readonly limit?: number;
  /** Requests left in it. */
  readonly remaining?: number;
  /** Milliseconds until it starts anew. */
  readonly resetMs?: number;
  /** Its length in milliseconds. */
  readonly windowMs?: number;
}

/** What a service's headers said of its limits: the most restrictive window, and Retry-After, which goes before it. */
export interface LimitReading extends LimitWindow {
  /** Milliseconds of Retry-After: nothing may be sent before. */
  readonly retryAfterMs?: number;
}

/** How an API writes the reset time in its `…RateLimit-Reset` header. `auto` tells by the value's size and shape. */
export type ResetFormat = 'auto' | 'delta-seconds' | 'delta-ms' | 'epoch-seconds' | 'epoch-ms';

/** Longest wait a header can ask for. More is a mistake of the service's, and is clamped. */
export const MAX_WAIT_MS = 24 * 60 * 60 * 1000;

type Headers = Readonly<Record<string, string>>;

/**
 * Reads the limits out of response headers (names in lower case): Retry-After, IETF `RateLimit` and `RateLimit-Policy` in the
 * current and the older drafts' forms, and the `X-RateLimit-*` family. What is malformed is ignored, what is absurd clamped.
 * @param serverNowMs the service's own time of the answer, from its `Date` where it has one
 */
export function readLimits(headers: Headers, serverNowMs: number, resetFormat: ResetFormat = 'auto'): LimitReading {
  const retryAfterMs = readRetryAfter(headers['retry-after'], serverNowMs);
  const windows = [...ietfWindows(headers), ...namedWindows(headers, serverNowMs, resetFormat)];
  return { ...mostRestrictive(windows), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** Reads Retry-After: delta seconds or one of HTTP's dates, which counts from the service's own time. Of several the longest. */
export function readRetryAfter(value: string | undefined, serverNowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+(?:\.\d+)?(?: *, *\d+(?:\.\d+)?)*$/.test(value)) {
    return clampWait(Math.max(...value.split(',').map(Number)) * 1000);
  }
  const dateMs = parseHttpDate(value, serverNowMs);
  return dateMs === undefined ? undefined : clampWait(dateMs - serverNowMs);
}

/** `RateLimit: "name";r=50;t=30` with its `RateLimit-Policy`, or draft 07's `RateLimit: limit=100, remaining=50, reset=30`. */
function ietfWindows(headers: Headers): LimitWindow[] {
  const field = headers['ratelimit'];
  const policies = parseItems(headers['ratelimit-policy'] ?? '') ?? [];
  // A quota unit other than requests (bytes, tokens) says nothing about how many requests may be sent.
  const counted = policies.filter(({ parameters }) => (parameters.get('qu') ?? 'requests') === 'requests');
  const ofPolicy = (name: unknown) => counted.find(({ value }) => value === name)?.parameters;
  if (field === undefined) {
    return counted.map(({ value, parameters }) =>
      windowOf({ limit: parameters.get('q') ?? value, windowSeconds: parameters.get('w') }),
    );
  }
  const draft07 = Object.fromEntries(field.split(',').map((part) => part.trim().split('=')));
  if (/^\d+$/.test(draft07['remaining'] ?? '')) {
    const { limit, remaining, reset } = draft07 as Record<string, string | undefined>;
    return [windowOf({ limit: count(limit), remaining: count(remaining), resetSeconds: count(reset) })];
  }
  return (parseItems(field) ?? [])
    .filter(({ value }) => ofPolicy(value) !== undefined || !policies.some((policy) => policy.value === value))
    .map(({ value, parameters }) =>
      windowOf({
        limit: ofPolicy(value)?.get('q'),
        remaining: parameters.get('r'),
        resetSeconds: parameters.get('t'),
        windowSeconds: ofPolicy(value)?.get('w'),
      }),
    );
}

function natural(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && Number.isInteger(value) ? value : undefined;
}

function windowOf(raw: {
  readonly limit?: unknown;
  readonly remaining?: unknown;
  readonly resetSeconds?: unknown;
  readonly windowSeconds?: unknown;
}): LimitWindow {
  const limit = natural(raw.limit);
  const remaining = natural(raw.remaining);
  const resetSeconds = natural(raw.resetSeconds);
  const windowSeconds = natural(raw.windowSeconds);
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(resetSeconds === undefined ? {} : { resetMs: clampWait(resetSeconds * 1000) }),
    ...(windowSeconds === undefined ? {} : { windowMs: windowSeconds * 1000 }),
  };
}

/** Header families with one field each for limit, remaining and reset; drafts 00 to 06 of the IETF are one of them. */
const FAMILIES = [
  { prefix: 'ratelimit-', suffix: '' },
  { prefix: 'x-ratelimit-', suffix: '' },
  { prefix: 'x-ratelimit-', suffix: '-requests' },
  { prefix: 'x-rate-limit-', suffix: '' },
];

function namedWindows(headers: Headers, serverNowMs: number, resetFormat: ResetFormat): LimitWindow[] {
  return FAMILIES.map(({ prefix, suffix }) => {
    const field = (name: string) => headers[`${prefix}${name}${suffix}`];
    const limit = count(field('limit'));
    const remaining = count(field('remaining'));
    const resetMs = readReset(field('reset'), serverNowMs, resetFormat);
    return {
      ...(limit === undefined ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(resetMs === undefined ? {} : { resetMs }),
    };
  });
}

/** The leading number of `100` or `100, 100;w=60`. */
function count(value: string | undefined): number | undefined {
  const digits = /^ *(?<digits>\d+) *(?:[,;]|$)/.exec(value ?? '')?.groups?.['digits'];
  return digits === undefined ? undefined : Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

const DURATION = /^(?=.)(?:(?<h>\d+)h)?(?:(?<m>\d+)m(?!s))?(?:(?<s>\d+(?:\.\d+)?)s)?(?:(?<ms>\d+(?:\.\d+)?)ms)?$/;
const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Milliseconds until the reset a header names: seconds, an epoch, a date, or a duration such as `6m0s`. */
export function readReset(value: string | undefined, serverNowMs: number, format: ResetFormat): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) {
    const waitMs = numericReset(Number(text), serverNowMs, format);
    return waitMs === undefined ? undefined : clampWait(waitMs);
  }
  const duration = DURATION.exec(text)?.groups;
  if (duration !== undefined) {
    const part = (name: string) => Number(duration[name] ?? 0);
    return clampWait(((part('h') * 60 + part('m')) * 60 + part('s')) * 1000 + part('ms'));
  }
  const dateMs = ISO_8601.test(text) ? Date.parse(text) : parseHttpDate(text, serverNowMs);
  return dateMs === undefined || Number.isNaN(dateMs) ? undefined : clampWait(dateMs - serverNowMs);
}

function numericReset(value: number, serverNowMs: number, format: ResetFormat): number | undefined {
  switch (format) {
    case 'delta-seconds':
      return value * 1000;
    case 'delta-ms':
      return value;
    case 'epoch-seconds':
      return value * 1000 - serverNowMs;
    case 'epoch-ms':
      return value - serverNowMs;
    case 'auto':
      break;
  }
  if (value < 1e7) return value * 1000;
  if (value >= 1e9 && value < 1e11) return value * 1000 - serverNowMs;
  return value >= 1e12 ? value - serverNowMs : undefined;
}

/** The window that lets the fewest requests through per time; of those, the one that lasts longest. */
function mostRestrictive(windows: readonly LimitWindow[]): LimitWindow {
  const rate = ({ remaining, limit, resetMs, windowMs }: LimitWindow) =>
    (remaining ?? limit ?? Infinity) / Math.max(resetMs ?? windowMs ?? 1000, 1);
  const length = ({ resetMs, windowMs }: LimitWindow) => resetMs ?? windowMs ?? 0;
  return windows.reduce<LimitWindow>((strictest, window) => {
    if (rate(window) !== rate(strictest)) return rate(window) < rate(strictest) ? window : strictest;
    return length(window) > length(strictest) ? window : strictest;
  }, {});
}

function clampWait(waitMs: number): number {
  return Math.min(Math.max(Math.ceil(waitMs), 0), MAX_WAIT_MS);
}
