import { z } from 'zod';
import { faultsSchema } from './faults/schema.ts';
import { limitSchema } from './limiter.ts';
import { silentLogger } from './logger.ts';
import type { SandboxLogger } from './logger.ts';
import { SandboxError } from './sandbox-error.ts';
import { shapeSchema } from './shape/spec.ts';
import { webhookEvents } from './webhooks/events.ts';

const DAY_MS = 86_400_000;

/** The client every sandbox knows unless told otherwise. Not a secret: it opens nothing but a sandbox. */
export const defaultClient = {
  id: 'docproc-sandbox',
  secret: 'sandbox-secret',
  scopes: ['jobs.write', 'jobs.read'],
};

/** The documented webhook secret of a sandbox (32 bytes). Not a secret: it signs nothing but a sandbox's webhooks. */
export const defaultWebhookSecret = 'whsec_c2FuZGJveC1zaWduaW5nLWtleS1mb3ItdGVzdHMhISE=';

const clientSchema = z.strictObject({
  id: z.string().min(1),
  secret: z.string().min(1),
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be a scope without spaces')),
});

const optionsSchema = z.strictObject({
  /** 0 takes any free port. */
  port: z.int().min(0).max(65_535).default(0),
  host: z.string().min(1).default('127.0.0.1'),
  /** The state file; files' bytes lie beside it in `<statePath>.blobs`. @default none: memory only */
  statePath: z.string().min(1).optional(),
  clients: z.array(clientSchema).min(1).default([defaultClient]),
  /** The API of another service than docproc; then `auth` and `idempotency` below say nothing. */
  shape: shapeSchema.optional(),
  auth: z.enum(['oauth', 'api-key', 'none']).default('oauth'),
  /** How a repeated submit is recognised: an `Idempotency-Key`, an id the client chooses (`PUT /v3/jobs/{id}`), or not at all. */
  idempotency: z.enum(['header', 'put-id', 'none']).default('header'),
  idempotencyTtlMs: z.int().positive().default(DAY_MS),
  webhook: z
    .strictObject({
      secret: z
        .string()
        .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, 'must be whsec_ and the base64 of 24 bytes or more')
        .default(defaultWebhookSecret),
      /** Which events are sent. `job.processing` exists but is off: a terminal event is what callers wait for. */
      events: z.array(z.enum(webhookEvents)).default(['job.completed', 'job.failed', 'job.canceled']),
    })
    .prefault({}),
  webhookRetry: z
    .strictObject({
      /** Pause before the second, third … attempt; then the sender gives up. @default 1 s to 10 h, about a day in all */
      delaysMs: z
        .array(z.int().nonnegative())
        .default([1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 18_000_000, 36_000_000]),
      timeoutMs: z.int().positive().default(15_000),
      maxConcurrent: z.int().positive().default(32),
    })
    .prefault({}),
  limit: limitSchema.prefault({}),
  tokenLifetimeS: z.int().positive().default(3_600),
  processing: z
    .strictObject({
      /** Simulated time before the real work starts. */
      minMs: z.int().nonnegative().default(300),
      maxMs: z.int().nonnegative().default(900),
      threads: z.int().min(1).max(8).default(2),
      timeoutMs: z.int().positive().default(60_000),
    })
    .refine(({ minMs, maxMs }) => minMs <= maxMs, { path: ['maxMs'], error: 'must not be below minMs' })
    .prefault({}),
  maxFileBytes: z
    .int()
    .positive()
    .default(64 * 1_024 * 1_024),
  /** Results up to this size are inline in the job as well. */
  maxInlineBytes: z.int().nonnegative().default(32_768),
  /** Price of a job in millionths of a dollar. */
  costMicros: z.int().nonnegative().default(10_000),
  /** Of everything random: processing times, jitter, which request a fault hits. */
  seed: z.int().default(1),
  /** Faults switched on from the start. */
  faults: faultsSchema.prefault({}),
});

/** What {@link startSandbox} takes. Every field has a default. */
export type SandboxOptions = z.input<typeof optionsSchema> & { readonly logger?: SandboxLogger };

/** Options with every default filled in. */
export type SandboxConfig = z.output<typeof optionsSchema> & { readonly logger: SandboxLogger };

/** Checks options strictly and names every problem at once. @throws SandboxError INVALID_OPTIONS */
export function parseOptions({ logger = silentLogger, ...options }: SandboxOptions): SandboxConfig {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success)
    throw new SandboxError('INVALID_OPTIONS', `Sandbox options are wrong: ${describe(parsed.error)}`);
  return { ...parsed.data, logger };
}

/** Writes the problems of a zod error in one line, without the offending values. */
export function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`).join('; ');
}
