import type { z } from 'zod';

/** Zod's own types are all of this kind; what is inside depends on `_zod.def.type`. */
type Schema = z.core.$ZodTypes;

/** What lies directly inside a schema: named fields, the items of a list, the values of a record, or other forms of the same value. */
export type Inside =
  | { readonly kind: 'fields'; readonly fields: Readonly<Record<string, z.core.$ZodType>>; readonly open: boolean }
  | { readonly kind: 'items'; readonly items: readonly z.core.$ZodType[]; readonly rest?: z.core.$ZodType }
  | { readonly kind: 'values'; readonly values: z.core.$ZodType }
  | { readonly kind: 'same'; readonly forms: readonly z.core.$ZodType[] }
  | { readonly kind: 'nothing' };

/** Looks one level into a zod schema. Wrappers (optional, default, transform, lazy …) and unions are other forms of the same value. */
export function inside(schema: z.core.$ZodType): Inside {
  const { def } = (schema as Schema)._zod;
  switch (def.type) {
    case 'object':
      // `catchall` is z.never() for strict objects and z.unknown() for loose ones.
      return {
        kind: 'fields',
        fields: def.shape,
        open: def.catchall !== undefined && def.catchall._zod.def.type !== 'never',
      };
    case 'array':
      return { kind: 'items', items: [], rest: def.element };
    case 'tuple':
      return { kind: 'items', items: def.items, ...(def.rest !== null && { rest: def.rest }) };
    case 'record':
    case 'map':
      return { kind: 'values', values: def.valueType };
    case 'union':
      return { kind: 'same', forms: def.options };
    case 'intersection':
      return { kind: 'same', forms: [def.left, def.right] };
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return { kind: 'same', forms: [def.innerType] };
    case 'pipe':
      return { kind: 'same', forms: [def.in, def.out] };
    case 'lazy':
      return { kind: 'same', forms: [def.getter()] };
    default:
      return { kind: 'nothing' };
  }
}

/** What lies inside a schema, whatever wrappers and unions are around it: one for each form the value may have. */
export function expand(schema: z.core.$ZodType): Exclude<Inside, { readonly kind: 'same' | 'nothing' }>[] {
  const view = inside(schema);
  if (view.kind === 'same') return view.forms.flatMap((form) => expand(form));
  return view.kind === 'nothing' ? [] : [view];
}
