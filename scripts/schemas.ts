/** Writes each integration's JSON Schemas, derived from its definition, into its `schemas/`. A test fails where they drift. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listIntegrations, loadIntegration, writeSchemas } from '../src/definition/index.ts';

const folder = fileURLToPath(new URL('../integrations', import.meta.url));
for (const service of await listIntegrations(folder)) {
  await writeSchemas(await loadIntegration(folder, service), join(folder, service, 'schemas'));
}
