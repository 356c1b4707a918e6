import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { configSchema } from '../../src/definition/config-schema.ts';
import { inside } from '../../src/definition/schema-walk.ts';

const doc = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
/** The cells of every table row. */
const rows = doc
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );

/** The object inside wrappers such as optional and default. */
function fieldsOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> | undefined {
  const view = inside(schema);
  if (view.kind === 'fields') return view.fields;
  return view.kind === 'same' && view.forms.length === 1 && view.forms[0] !== undefined
    ? fieldsOf(view.forms[0])
    : undefined;
}

function keysOf(schema: z.core.$ZodType, path: string): string[] {
  const fields = path === 'auth' ? undefined : fieldsOf(schema);
  if (fields === undefined) return [path];
  const below = Object.entries(fields).flatMap(([name, field]) =>
    keysOf(field, path === '' ? name : `${path}.${name}`),
  );
  return ['webhook', 'notifications'].includes(path) ? [path, ...below] : below;
}

describe('docs/configuration.md', () => {
  it('lists every key there is, and no other', () => {
    const documented = rows.filter((cells) => cells.length === 3).map(([key = '']) => key.replaceAll('`', ''));
    expect(documented).toEqual(keysOf(configSchema, ''));
  });

  it('lists every kind of auth with exactly its keys', () => {
    const auth = inside(configSchema.shape.auth);
    const kinds = auth.kind === 'same' ? auth.forms.map((form) => fieldsOf(form) ?? {}) : [];
    const expected = Object.fromEntries(
      kinds.map((fields) => {
        const { type, ...others } = fields as Record<string, z.ZodLiteral<string>>;
        return [type?.value, Object.keys(others).toSorted()];
      }),
    );
    const start = rows.findIndex(([key]) => key === '`none`');
    const documented = Object.fromEntries(
      rows.slice(start, start + kinds.length).map(([key = '', keys = '']) => {
        const names = keys.replaceAll(/\([^)]*\)/g, '').match(/[a-z_]+/g) ?? [];
        return [key.replaceAll('`', ''), names.toSorted()];
      }),
    );
    expect(documented).toEqual(expected);
  });
});
