import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { checkConfig, parseConfig, schemaFiles } from '../../definition/index.ts';
import type { Row } from './row.ts';
import { holds, same } from './support.ts';

export const UNIT_ROWS: readonly Row[] = [
  {
    id: 'U1',
    layer: 'unit',
    title: 'the example configuration is valid and fits the definition',
    live: true,
    run: async ({ subject: { integration, exampleConfig } }) => {
      const { service } = integration;
      checkConfig(integration, parseConfig(exampleConfig, { service, source: 'config.example.yaml' }));
    },
  },
  {
    id: 'U2',
    layer: 'unit',
    title: 'a submit is the same on every attempt, and carries its key where the definition says',
    live: true,
    run: async ({ subject: { integration }, nextInput }) => {
      const { request, idempotency } = integration.submit;
      const context = { input: await nextInput(), reference: 'key~1', idempotencyKey: 'first-key' };
      const first = request(context);
      same('the same submit again', request(context), first);
      const other = request({ ...context, idempotencyKey: 'other-key' });
      const where = { 'put-id': first.path !== other.path, body: !isDeepStrictEqual(first.json, other.json) };
      if (idempotency.kind !== 'put-id' && idempotency.kind !== 'body') return;
      holds(`idempotency is ${idempotency.kind}, but the key is not there`, where[idempotency.kind]);
    },
  },
  {
    id: 'U3',
    layer: 'unit',
    title: 'the pinned schemas are those of the definition',
    live: true,
    run: async ({ subject: { integration, schemasFolder } }) => {
      const pinned: Record<string, unknown> = {};
      for (const name of await readdir(schemasFolder)) {
        if (!name.endsWith(`-v${integration.contractVersion}.json`)) continue;
        pinned[name] = JSON.parse(await readFile(join(schemasFolder, name), 'utf8'));
      }
      const derived = schemaFiles(integration);
      same('files under schemas/', Object.keys(pinned).toSorted(), Object.keys(derived).toSorted());
      for (const [name, schema] of Object.entries(derived)) {
        holds(`schemas/${name} is out of date: npm run schemas`, isDeepStrictEqual(pinned[name], { ...schema }));
      }
    },
  },
];
