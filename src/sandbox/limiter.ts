import { z } from 'zod';

/** The limit of the API: how much, counted how, and what the answers say about it. */
export const limitSchema = z
  .strictObject({
    /** Requests per window; for `concurrency`, requests under way at once. */
    rate: z.int().positive().default(10),
    windowMs: z.int().positive().default(1_000),
    /** The most one window may hold after a quiet time, while `rate` stays the lasting average. @default rate: no burst */
    burst: z.int().positive().optional(),
    form: z.enum(['sliding', 'fixed', 'concurrency']).default('sliding'),
    /** Whether answers carry `X-RateLimit-*` and `RateLimit*`. */
    announce: z.boolean().default(true),
    /** How a 429 says when to come back. */
    retryAfter: z.enum(['seconds', 'date', 'none']).default('seconds'),
  })
  .refine((limit) => limit.burst === undefined || limit.burst >= limit.rate, {
    path: ['burst'],
    error: 'must not be below rate',
  })
  .refine((limit) => limit.burst === undefined || limit.form !== 'concurrency', {
    path: ['burst'],
    error: 'has no meaning for form "concurrency"',
  });

export type LimitConfig = z.output<typeof limitSchema>;
export type LimitInput = z.input<typeof limitSchema>;

/** What the limiter says about one request. */
export interface LimitVerdict {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Until the window gives something back. */
  readonly resetInMs: number;
}

/** Decides, for one request at a time, whether it is within the limit. A refused request does not count. */
export interface Limiter {
  readonly config: () => LimitConfig;
  /** Takes effect at once; what the window has already counted stays counted. */
  readonly configure: (config: LimitConfig) => void;
  /** Asks for one request at `nowMs`. If allowed, `release` must follow when it has been answered. */
  readonly take: (nowMs: number) => LimitVerdict;
  readonly release: () => void;
}

/** Creates an exact limiter: a log of the times of every admitted request still inside the window, no approximation. */
export function createLimiter(initial: LimitConfig): Limiter {
  let config = initial;
  let admitted: number[] = [];
  let underWay = 0;
  let tokens = initial.burst ?? initial.rate;
  let refilledAtMs = Number.NEGATIVE_INFINITY;

  const windowStart = (nowMs: number): number =>
    config.form === 'fixed' ? Math.floor(nowMs / config.windowMs) * config.windowMs : nowMs - config.windowMs;

  const forget = (nowMs: number): void => {
    const start = windowStart(nowMs);
    const inside = config.form === 'fixed' ? (at: number) => at >= start : (at: number) => at > start;
    const first = admitted.findIndex(inside);
    admitted = first === -1 ? [] : admitted.slice(first);
  };

  const refill = (nowMs: number, capacity: number): void => {
    const gained = ((nowMs - refilledAtMs) * config.rate) / config.windowMs;
    tokens = Math.min(capacity, tokens + Math.max(0, gained));
    refilledAtMs = nowMs;
  };

  const windowed = (nowMs: number): LimitVerdict => {
    forget(nowMs);
    const limit = config.burst ?? config.rate;
    refill(nowMs, limit);
    const bursts = config.burst !== undefined;
    const free = Math.min(limit - admitted.length, bursts ? Math.floor(tokens) : Number.POSITIVE_INFINITY);
    if (free > 0) {
      admitted.push(nowMs);
      if (bursts) tokens -= 1;
    }
    const windowResetMs =
      config.form === 'fixed'
        ? windowStart(nowMs) + config.windowMs - nowMs
        : (admitted[0] ?? nowMs) + config.windowMs - nowMs;
    const tokenMs = bursts && tokens < 1 ? ((1 - tokens) * config.windowMs) / config.rate : 0;
    const resetInMs = admitted.length >= limit ? Math.max(windowResetMs, tokenMs) : bursts ? tokenMs : windowResetMs;
    return { allowed: free > 0, limit, remaining: Math.max(0, free - 1), resetInMs };
  };

  const concurrent = (): LimitVerdict => {
    const allowed = underWay < config.rate;
    if (allowed) underWay += 1;
    return { allowed, limit: config.rate, remaining: Math.max(0, config.rate - underWay), resetInMs: 1_000 };
  };

  return {
    config: () => config,
    configure: (next) => {
      config = next;
    },
    take: (nowMs) => {
      if (config.form === 'concurrency') return concurrent();
      const verdict = windowed(nowMs);
      if (verdict.allowed) underWay += 1;
      return verdict;
    },
    release: () => {
      underWay -= 1;
    },
  };
}

/** The headers an answer carries about the limit. `X-RateLimit-Reset` is epoch seconds of the service's clock. */
export function limitHeaders(config: LimitConfig, verdict: LimitVerdict, serviceNowMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  const resetS = Math.ceil(verdict.resetInMs / 1_000);
  if (config.announce) {
    headers['X-RateLimit-Limit'] = String(verdict.limit);
    headers['X-RateLimit-Remaining'] = String(verdict.remaining);
    headers['X-RateLimit-Reset'] = String(Math.ceil((serviceNowMs + verdict.resetInMs) / 1_000));
    headers['RateLimit'] = `"default";r=${verdict.remaining};t=${resetS}`;
    headers['RateLimit-Policy'] =
      config.form === 'concurrency'
        ? `"default";q=${verdict.limit};qu="concurrent-requests"`
        : `"default";q=${verdict.limit};w=${Math.ceil(config.windowMs / 1_000)}`;
  }
  if (!verdict.allowed && config.retryAfter !== 'none') {
    const retryS = Math.max(1, resetS);
    headers['Retry-After'] =
      config.retryAfter === 'seconds' ? String(retryS) : new Date(serviceNowMs + retryS * 1_000 + 999).toUTCString();
  }
  return headers;
}
