import { z } from 'zod';
import { limitSchema } from '../limiter.ts';
import { webhookEvents } from '../webhooks/events.ts';

/** How often a rule hits what it matches. */
const often = {
  /** Share of the matching ones that are hit. */
  rate: z.number().gt(0).max(1).default(1),
  /** Hits at most this many, then the rule is spent. @default no end */
  count: z.int().positive().optional(),
  /** Lets this many matching ones pass first. */
  skip: z.int().nonnegative().default(0),
};

const request = {
  /** @default any */
  method: z.enum(['GET', 'PUT', 'POST', 'PATCH', 'DELETE']).optional(),
  /** `*` is one segment, `**` the rest. @default any */
  path: z.string().startsWith('/').optional(),
  ...often,
};

const webhook = { event: z.enum(webhookEvents).optional(), ...often };

/** Before the service looked at the request, or after it has done what was asked. */
const at = z.enum(['before', 'after']).default('before');

/** One fault. */
const ruleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('latency'),
    ...request,
    ms: z.int().nonnegative(),
    /** Spread evenly from `ms` to here. @default ms */
    maxMs: z.int().nonnegative().optional(),
    /** `inside`: while the request holds its idempotency key. */
    at: z.enum(['before', 'inside', 'after']).default('before'),
  }),
  z.strictObject({
    kind: z.literal('error'),
    ...request,
    at,
    status: z.int().min(400).max(599),
    code: z.string().min(1).default('FAULT'),
    retryAfterS: z.int().nonnegative().optional(),
  }),
  z.strictObject({ kind: z.literal('reset'), ...request, at }),
  /** The connection breaks after this many bytes of the body. */
  z.strictObject({ kind: z.literal('truncate'), ...request, keepBytes: z.int().nonnegative() }),
  /** The body comes in small pieces. */
  z.strictObject({
    kind: z.literal('drip'),
    ...request,
    chunkBytes: z.int().positive(),
    everyMs: z.int().positive(),
  }),
  /** The contract of a successful JSON answer drifts: each object in it gains, loses or renames something. */
  z.strictObject({
    kind: z.literal('drift'),
    ...request,
    add: z.record(z.string(), z.json()).optional(),
    /** Fields to leave out, `result.sha256` for a nested one. */
    remove: z.array(z.string().min(1)).optional(),
    /** A status word nobody has heard of. */
    status: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('webhook-delay'), ...webhook, ms: z.int().nonnegative() }),
  z.strictObject({ kind: z.literal('webhook-drop'), ...webhook }),
  z.strictObject({ kind: z.literal('webhook-duplicate'), ...webhook, copies: z.int().positive().max(20).default(1) }),
  /** Each is held for a random time up to this, so they overtake each other. */
  z.strictObject({ kind: z.literal('webhook-reorder'), ...webhook, withinMs: z.int().positive() }),
  z.strictObject({ kind: z.literal('webhook-bad-signature'), ...webhook }),
]);

/** What `POST /_sandbox/faults` takes: rules are added, settings are set. */
export const faultsSchema = z.strictObject({
  rules: z.array(ruleSchema).default([]),
  /** Moves the service's clock: `Date`, timestamps, signatures, reset times. */
  clockOffsetMs: z.int().optional(),
  limit: limitSchema.optional(),
  /** How long the work of jobs takes that are submitted from now on. */
  processing: z.strictObject({ minMs: z.int().nonnegative(), maxMs: z.int().nonnegative() }).optional(),
  tokens: z
    .strictObject({
      lifetimeS: z.int().positive().optional(),
      /** Every token issued until now stops working. */
      revoke: z.literal(true).optional(),
    })
    .optional(),
});

export type FaultRule = z.output<typeof ruleSchema>;
export type FaultsInput = z.input<typeof faultsSchema>;
export type Faults = z.output<typeof faultsSchema>;
