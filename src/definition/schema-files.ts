import { z } from 'zod';
import type { Integration } from './integration.ts';

/** A JSON Schema (draft 2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schemas an integration pins, by file name: `job-request-v3.4.2.json` (the job's input), `job-response-…` (what the
 * status endpoint answers), `job-accepted-…`, `result-…` and, where defined, `webhook-…`, `fetch-…`, `lookup-…`, `cancel-…`, `list-…`. They describe what is
 * read before transforms; unknown extra fields are allowed in what the service sends.
 */
export function schemaFiles(integration: Integration): Record<string, JsonSchema> {
  const { service, contractVersion } = integration;
  const schemas: Readonly<Record<string, z.ZodType | undefined>> = {
    'job-request': integration.input,
    'job-accepted': integration.submit.response,
    'job-response': integration.status.response,
    result: integration.result,
    webhook: integration.webhook?.payload,
    fetch: integration.fetch?.response,
    lookup: integration.lookup?.response,
    cancel: integration.cancel?.response,
    list: integration.list?.response,
  };
  const files: Record<string, JsonSchema> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    if (schema === undefined) continue;
    const { $schema, ...body } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    files[`${name}-v${contractVersion}.json`] = { $schema, title: `${service} ${name} v${contractVersion}`, ...body };
  }
  return files;
}
