import { schemaFiles } from '../definition/index.ts';
import { inFolder } from './generator.ts';
import type { Generator } from './generator.ts';

/** JSON Schemas of what is sent and read, pinned by the contract's version. */
export const schemas: Generator = {
  name: 'schemas',
  summary: 'JSON Schemas under schemas/, from the definition’s zod schemas',
  owns: (service) => ({ folder: inFolder(service, 'schemas'), pattern: /^[a-z-]+-v[^/]*\.json$/ }),
  generate: ({ integration }) =>
    Object.entries(schemaFiles(integration)).map(([name, schema]) => ({
      kind: 'file',
      path: inFolder(integration.service, `schemas/${name}`),
      text: `${JSON.stringify(schema, undefined, 2)}\n`,
    })),
};
