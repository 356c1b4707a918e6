import type { z } from 'zod';
import { expand } from './schema-walk.ts';

/** Most paths reported of one value: a service that echoes arbitrary keys must not flood anything. */
const MAX_PATHS = 20;
const MAX_NAME = 64;

/** The fields of a value that its schema does not know, as paths such as `result.pages[].confidence`. At most 20. */
export function unknownFields(schema: z.core.$ZodType, value: unknown): string[] {
  const paths = new Set<string>();
  collect([schema], value, '', paths);
  return [...paths];
}

/** A field is unknown when none of the schemas that describe its object knows it. */
function collect(schemas: readonly z.core.$ZodType[], value: unknown, path: string, paths: Set<string>): void {
  if (typeof value !== 'object' || value === null || paths.size >= MAX_PATHS) return;
  const views = schemas.flatMap((schema) => expand(schema));
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const items = views.flatMap((view) => (view.kind === 'items' ? [view.items[index] ?? view.rest] : []));
      collect(
        items.filter((schema) => schema !== undefined),
        item,
        `${path}[]`,
        paths,
      );
    }
    return;
  }
  const objects = views.filter((view) => view.kind === 'fields');
  const values = views.flatMap((view) => (view.kind === 'values' ? [view.values] : []));
  // Nothing here describes an object's fields (z.unknown(), z.any()), or any field is welcome.
  if (objects.length === 0 && values.length === 0) return;
  const open = values.length > 0 || objects.some((view) => view.open);
  for (const [key, child] of Object.entries(value)) {
    const known = objects.flatMap((view) => {
      const field = Object.hasOwn(view.fields, key) ? view.fields[key] : undefined;
      return field === undefined ? [] : [field];
    });
    const below = path === '' ? key.slice(0, MAX_NAME) : `${path}.${key.slice(0, MAX_NAME)}`;
    if (known.length > 0 || open) collect([...known, ...values], child, below, paths);
    else if (paths.size < MAX_PATHS) paths.add(below);
  }
}
