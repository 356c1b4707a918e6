import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PlaybookError } from '../contracts/errors.ts';
import { KEY_PATTERN, SERVICE_PATTERN } from '../contracts/ids.ts';
import type { Json } from '../contracts/json.ts';
import { schemaFiles } from '../definition/index.ts';
import type { Integration } from '../definition/index.ts';

const json = z.json() as unknown as z.ZodType<Json>;
const hash = z.string().regex(/^[0-9a-f]{64}$/);

const manifestSchema = z.strictObject({
  format: z.literal(1),
  service: z.string().regex(SERVICE_PATTERN),
  contractVersion: z.string(),
  playbookVersion: z.string(),
  nodeVersion: z.string(),
  environment: z.string(),
  recordedAt: z.iso.datetime(),
  /** `null`: kept until somebody removes it. */
  retention: z.strictObject({ days: z.int().positive(), until: z.iso.datetime() }).nullable(),
  /** How the job was started; classified fields of the input are placeholders. */
  job: z.strictObject({ key: z.string().regex(KEY_PATTERN), unit: z.string(), input: json }),
  /** How it ended, sanitised in the same way. */
  outcome: z.strictObject({
    state: z.enum(['COMPLETED', 'FAILED', 'CANCELED']),
    externalId: z.string().nullable(),
    errorCode: z.string().nullable(),
    costMicros: z.number(),
    result: json,
  }),
  /** SHA-256 of each JSON Schema at the time. */
  schemas: z.record(z.string(), hash),
  /** The configuration it ran under, secrets' references replaced. */
  config: z.record(z.string(), json),
  har: z.strictObject({ sha256: hash, requests: z.int(), webhooks: z.int() }),
});

/** What is known of a recorded run beside its traffic. */
export type Manifest = z.output<typeof manifestSchema>;

/** Reads a manifest's text. @throws PlaybookError INVALID_INPUT naming what is wrong */
export function parseManifest(text: string, source: string): Manifest {
  const { data, error } = manifestSchema.safeParse(readJson(text));
  if (data !== undefined) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new PlaybookError('INVALID_INPUT', `${source} is no manifest of a proof: ${problems.join('; ')}.`);
}

/** SHA-256 of each of an integration's JSON Schemas. */
export function schemaHashes(integration: Integration): Record<string, string> {
  return Object.fromEntries(
    Object.entries(schemaFiles(integration)).map(([name, schema]) => [name, sha256(JSON.stringify(schema))]),
  );
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
