import { z } from 'zod';
import { isSecretRef, SECRET_REF_FORMS } from './secret-ref.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DAY_MS = 86_400_000;

/** Milliseconds as a number, or as text with a unit (`250ms`, `30s`, `24h`); `undefined` when it is neither. */
function readDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(value.trim()) : null;
  return match === null ? undefined : Number(match[1]) * (UNITS[match[2] ?? 'ms'] ?? 1);
}

/** A duration: whole milliseconds, or text with a unit. */
export function durationMs(min: number, max: number): z.ZodType<number> {
  return z.unknown().transform((value, context) => {
    const ms = readDuration(value);
    if (ms !== undefined && Number.isInteger(ms) && ms >= min && ms <= max) return ms;
    context.addIssue({
      code: 'custom',
      message: `must be whole milliseconds from ${min} to ${max}, or such as 30s or 24h`,
      params: { showFound: true },
    });
    return z.NEVER;
  });
}

const backoffMs = z.unknown().transform((value, context): readonly number[] => {
  const list = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [value];
  const steps = list.map(readDuration);
  const valid = steps.filter((ms): ms is number => ms !== undefined && Number.isInteger(ms) && ms >= 0);
  if (valid.length === steps.length && valid.length > 0 && valid.every((ms) => ms <= DAY_MS)) return valid;
  context.addIssue({
    code: 'custom',
    message: 'must be a list of whole milliseconds, such as 200,400,800',
    params: { showFound: true },
  });
  return z.NEVER;
});

/** A reference to a secret. What stands there instead is never shown: it may be the secret. */
const secretRef = z.custom<`env:${string}` | `file:${string}` | `vault:${string}`>(
  (value) => typeof value === 'string' && isSecretRef(value),
  { error: `must be a reference to a secret (${SECRET_REF_FORMS}); what stands there is not shown` },
);

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** An absolute https URL without credentials, query or fragment; http only to this machine. */
const serviceUrl = z.unknown().transform((value, context) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const problem =
    url === undefined || !/^https?:$/.test(url.protocol)
      ? 'must be an absolute https:// URL'
      : url.username !== '' || url.password !== ''
        ? 'must not contain credentials: refer to them under auth'
        : url.search !== '' || url.hash !== ''
          ? 'must not contain a query or a fragment'
          : url.protocol === 'http:' && !isLoopback(url.hostname)
            ? `must be https: plain http is accepted to this machine only (got host ${url.hostname})`
            : undefined;
  if (problem === undefined) return String(value).replace(/\/+$/, '');
  context.addIssue({ code: 'custom', message: problem });
  return z.NEVER;
});

const text = z.string().min(1);
const scopes = z.array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/)).default([]);
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/);

const auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({
    type: z.literal('oauth_client_credentials'),
    token_url: serviceUrl,
    scopes,
    client_id: text.exactOptional(),
    client_secret: secretRef.exactOptional(),
    client_auth: z
      .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])
      .default('client_secret_basic'),
    private_key: secretRef.exactOptional(),
    key_id: text.exactOptional(),
    audience: text.exactOptional(),
    assertion_audience: text.exactOptional(),
  }),
  z.strictObject({
    type: z.literal('jwt_bearer'),
    token_url: serviceUrl,
    scopes,
    issuer: text,
    subject: text.exactOptional(),
    audience: text.exactOptional(),
    private_key: secretRef.exactOptional(),
    key_id: text.exactOptional(),
  }),
  z.strictObject({
    type: z.literal('api_key'),
    header: headerName.default('x-api-key'),
    key: secretRef.exactOptional(),
    prefix: z.string().exactOptional(),
  }),
  z.strictObject({ type: z.literal('bearer'), token: secretRef.exactOptional() }),
  z.strictObject({ type: z.literal('basic'), username: text.exactOptional(), password: secretRef.exactOptional() }),
  z.strictObject({
    type: z.literal('hmac'),
    key_id: text,
    secret: secretRef.exactOptional(),
    header: headerName.exactOptional(),
  }),
]);

/**
 * What may stand in `config.yaml`. Everything but `service.base_url`, `service.version`, `service.rate_limit.qps_cap` and `auth`
 * has a default; the defaults that depend on the service's name or on other keys are filled in by `parseConfig`.
 */
export const configSchema = z.strictObject({
  environment: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,38}$/)
    .default('sandbox'),
  service: z.strictObject({
    base_url: serviceUrl,
    version: text,
    timeouts: z
      .strictObject({
        connect_ms: durationMs(1, 600_000).default(1000),
        read_ms: durationMs(1, 600_000).default(4000),
        total_ms: durationMs(1, 3_600_000).exactOptional(),
      })
      .prefault({}),
    retry: z
      .strictObject({
        max_attempts: z.int().min(1).max(100).default(3),
        backoff_ms: backoffMs.default([200, 400, 800]),
      })
      .prefault({}),
    rate_limit: z.strictObject({
      qps_cap: z.number().positive().max(10_000),
      window: z.enum(['sliding', 'fixed']).default('sliding'),
      window_ms: durationMs(1, DAY_MS).default(1000),
      burst: z.int().min(1).max(100_000).exactOptional(),
      concurrency: z.int().min(1).max(10_000).exactOptional(),
    }),
  }),
  auth,
  webhook: z
    .strictObject({
      public_url: serviceUrl,
      secrets: z.array(secretRef).min(1).exactOptional(),
      tolerance_s: z.int().min(1).max(3600).default(300),
      token_secret: secretRef.exactOptional(),
    })
    .exactOptional(),
  polling: z
    .strictObject({
      grace_ms: durationMs(0, DAY_MS).exactOptional(),
      initial_ms: durationMs(1, DAY_MS).default(1000),
      factor: z.number().min(1).max(10).default(1.6),
      max_ms: durationMs(1, DAY_MS).default(60_000),
    })
    .prefault({}),
  deadline_ms: durationMs(1, 365 * DAY_MS).default(DAY_MS),
  cost: z
    .strictObject({
      per_job_usd: z.number().min(0).max(1_000_000).exactOptional(),
      tags: z.record(text, z.string()).default({}),
    })
    .prefault({}),
  fallback: text.exactOptional(),
  notifications: z.strictObject({ url: serviceUrl, secret: secretRef.exactOptional() }).exactOptional(),
  observability: z
    .strictObject({
      structured_logs: z.boolean().default(true),
      trace_spans: z.boolean().default(true),
      cost_tracking: z.boolean().default(true),
    })
    .prefault({}),
});

export type ConfigDocument = z.output<typeof configSchema>;
