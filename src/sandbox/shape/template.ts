/** A JSON value in which texts stand for values: see {@link fill}. */
export type Template = string | number | boolean | null | readonly Template[] | { readonly [key: string]: Template };

/** What a template may name. */
export type Values = Readonly<Record<string, unknown>>;

const WHOLE = /^\$([\w.]+)(\?)?$/;
const PART = /\$\{([\w.]+)\}/g;

/** The value at a dotted path; undefined where there is none. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (found, name) =>
        typeof found === 'object' && found !== null && Object.hasOwn(found, name)
          ? (found as Record<string, unknown>)[name]
          : undefined,
      value,
    );
}

/**
 * Fills a template: `"$a.b"` becomes the value itself, null where there is none; `"$a.b?"` leaves its field out then; `"/x/${a}"` puts
 * it into a text.
 */
export function fill(template: Template, values: Values): unknown {
  return fillOne(template, values) ?? null;
}

function fillOne(template: Template, values: Values): unknown {
  if (typeof template === 'string') return fillText(template, values);
  if (Array.isArray(template)) return template.map((item: Template) => fill(item, values));
  if (typeof template !== 'object' || template === null) return template;
  const filled = Object.entries(template).map(([key, part]) => [key, fillOne(part, values)] as const);
  return Object.fromEntries(filled.filter(([, value]) => value !== undefined));
}

/** Nothing is no text; any other value is put into one as JSON. */
const textOf = (value: unknown = null): string =>
  typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);

function fillText(text: string, values: Values): unknown {
  const [, path, optional] = WHOLE.exec(text) ?? [];
  if (path !== undefined) return at(values, path) ?? (optional === undefined ? null : undefined);
  return text.replaceAll(PART, (_, name: string) => textOf(at(values, name)));
}

/** The dotted path at which a template names `name`, if it does. */
export function pathOf(template: Template, name: string): string | undefined {
  if (typeof template !== 'object' || template === null || Array.isArray(template)) return undefined;
  for (const [key, part] of Object.entries(template)) {
    if (part === `$${name}`) return key;
    const below = pathOf(part, name);
    if (below !== undefined) return `${key}.${below}`;
  }
  return undefined;
}
