import { z } from 'zod';
import type { Classified, DataClass } from '../rules/redaction.ts';
import { inside } from './schema-walk.ts';

/** Marks live beside the schemas: nothing of them shows in types or in JSON Schemas. */
const marks = z.registry<{ readonly dataClass: DataClass }>();

function mark<T extends z.ZodType>(schema: T, dataClass: DataClass): T {
  // A copy, so that a schema used in two places is marked in one.
  const marked = schema.clone();
  marks.add(marked, { dataClass });
  return marked;
}

/** Marks a field as a credential. Refinements (`.min()`, `.describe()` …) keep the mark; `.extend()` of a marked object does not. */
export function secret<T extends z.ZodType>(schema: T): T {
  return mark(schema, 'secret');
}

/** Marks a field as personal data. */
export function pii<T extends z.ZodType>(schema: T): T {
  return mark(schema, 'pii');
}

/** Marks a field as health data. */
export function phi<T extends z.ZodType>(schema: T): T {
  return mark(schema, 'phi');
}

/** Marks a field as payment card data. */
export function pci<T extends z.ZodType>(schema: T): T {
  return mark(schema, 'pci');
}

/** A schema and every other form the same value may have: what is inside wrappers and unions. */
function formsOf(schema: z.core.$ZodType, seen: Set<z.core.$ZodType>): z.core.$ZodType[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const view = inside(schema);
  return [schema, ...(view.kind === 'same' ? view.forms.flatMap((form) => formsOf(form, seen)) : [])];
}

function childSchemas(forms: readonly z.core.$ZodType[], key: string | number): z.core.$ZodType[] {
  return forms
    .flatMap((form) => {
      const view = inside(form);
      switch (view.kind) {
        case 'fields':
          return Object.hasOwn(view.fields, key) ? [view.fields[key]] : [];
        case 'items':
          return [view.items[Number(key)] ?? view.rest];
        case 'values':
          return [view.values];
        default:
          return [];
      }
    })
    .filter((schema) => schema !== undefined);
}

/** What the marks of a value's possible schemas say of it. Where two forms disagree, the first mark found holds: either hides it. */
export function classify(...schemas: readonly z.core.$ZodType[]): Classified {
  const seen = new Set<z.core.$ZodType>();
  const forms = schemas.flatMap((schema) => formsOf(schema, seen));
  const dataClass = forms.map((form) => marks.get(form)?.dataClass).find((found) => found !== undefined);
  return {
    ...(dataClass !== undefined && { dataClass }),
    child: (key) => {
      const children = childSchemas(forms, key);
      return children.length === 0 ? undefined : classify(...children);
    },
  };
}

/** One classified field: its path, `*` standing for every item of a list or value of a record. */
export interface ClassifiedPath {
  readonly path: readonly string[];
  readonly dataClass: DataClass;
}

/** Every classified field of a schema, for documents and checks. A recursive schema is followed once. */
export function classifiedPaths(schema: z.core.$ZodType): ClassifiedPath[] {
  const found = new Map<string, ClassifiedPath>();
  const visit = (current: z.core.$ZodType, path: readonly string[], above: readonly z.core.$ZodType[]): void => {
    // A lazy schema may make new forms each time it is asked; it is itself what comes again.
    if (above.includes(current)) return;
    for (const form of formsOf(current, new Set())) {
      if (above.includes(form)) continue;
      const dataClass = marks.get(form)?.dataClass;
      if (dataClass !== undefined) {
        found.set(path.join('.'), { path, dataClass });
        return;
      }
      const view = inside(form);
      const below = [...above, current, form];
      if (view.kind === 'fields') {
        for (const [name, field] of Object.entries(view.fields)) visit(field, [...path, name], below);
      } else if (view.kind === 'items') {
        for (const [index, item] of view.items.entries()) visit(item, [...path, String(index)], below);
        if (view.rest !== undefined) visit(view.rest, [...path, '*'], below);
      } else if (view.kind === 'values') {
        visit(view.values, [...path, '*'], below);
      }
    }
  };
  visit(schema, [], []);
  return [...found.values()];
}
