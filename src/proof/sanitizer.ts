import type { z } from 'zod';
import { classify } from '../definition/index.ts';
import { expand } from '../definition/schema-walk.ts';
import type { Inside } from '../definition/schema-walk.ts';
import { decoded } from './decoded.ts';
import { isSensitiveName, REDACTED } from '../rules/redaction.ts';

/** Keeps out of a recording what must not be in it, and leaves it in a shape that schemas still accept. */
export interface Sanitizer {
  /**
   * A copy of a JSON value: classified fields, sensitively named ones and those its schemas do not know are replaced by
   * placeholders of the same type. Without schemas every name is let through that is not sensitive.
   */
  readonly json: (value: unknown, schemas?: readonly z.ZodType[]) => unknown;
  /** A text without known secrets, without what looks like one, and without any classified value met so far. */
  readonly text: (text: string) => string;
  readonly headers: (headers: Readonly<Record<string, string>>) => Record<string, string>;
  /** A form or a query, parameter by parameter. */
  readonly parameters: (parameters: URLSearchParams) => URLSearchParams;
  /** A URL's path, segment by segment. */
  readonly path: (path: string) => string;
}

/** Where a whole value equals a classified one it is replaced from this length on, inside a longer text from the next. */
const LEAST_WHOLE = 2;
const LEAST_INSIDE = 4;
const MAX_DEPTH = 60;

/** How a text is replaced: by what names its class, or by a text of the same shape where a schema wants one. */
type Style = 'name' | 'shape';

/**
 * Makes a sanitizer. It remembers the classified values it has met, so a second pass over the same exchanges replaces them
 * wherever else they turn up, always by the same placeholder.
 * @param redactText removes known secret values and what looks like one
 */
export function createSanitizer(redactText: (text: string) => string): Sanitizer {
  const learned = new Map<string, string>();

  const text = (value: string): string => {
    const whole = learned.get(value);
    if (whole !== undefined) return whole;
    let safe = redactText(value);
    for (const [secret, placeholder] of learned) {
      if (secret.length >= LEAST_INSIDE) safe = safe.replaceAll(secret, placeholder);
    }
    return safe;
  };

  const placeholder = (value: unknown, tag: string, style: Style, learns: boolean): unknown => {
    if (typeof value === 'string') {
      const known = learned.get(value);
      // A schema that wants a shape has the last word, for every place where the value stands.
      if (known !== undefined && !(style === 'shape' && known === tag)) return known;
      const instead = style === 'name' ? tag : shapeOf(value);
      if (learns && value.length >= LEAST_WHOLE && value !== tag) learned.set(value, instead);
      return instead;
    }
    if (typeof value === 'number') return 0;
    if (typeof value === 'boolean') return false;
    if (Array.isArray(value)) return value.map((item) => placeholder(item, tag, style, learns));
    if (typeof value !== 'object' || value === null) return value ?? null;
    return mapFields(value, (_, child) => placeholder(child, tag, style, learns));
  };

  const walk = (value: unknown, schemas: readonly z.core.$ZodType[], style: Style, depth: number): unknown => {
    if (depth > MAX_DEPTH) return REDACTED;
    const { dataClass } = classify(...schemas);
    if (dataClass !== undefined) return placeholder(value, `[redacted: ${dataClass}]`, style, true);
    if (typeof value === 'string') return text(value);
    if (typeof value !== 'object' || value === null) return value;
    const views = schemas.flatMap((schema) => expand(schema));
    if (Array.isArray(value)) {
      return value.map((item, index) => walk(item, itemSchemas(views, index), style, depth + 1));
    }
    const isDescribed = views.some(({ kind }) => kind !== 'items');
    return mapFields(value, (name, child) => {
      if (isSensitiveName(name)) return placeholder(child, REDACTED, style, true);
      const known = fieldSchemas(views, name);
      if (isDescribed && known.length === 0) return placeholder(child, '[redacted: not in the schema]', style, false);
      return walk(child, known, style, depth + 1);
    });
  };

  const parameters = (given: URLSearchParams): URLSearchParams =>
    new URLSearchParams(
      [...given].map(([name, value]): [string, string] => [name, isSensitiveName(name) ? REDACTED : text(value)]),
    );

  return {
    json: (value, schemas = []) => {
      const named = walk(value, schemas, 'name', 0);
      const accepts = (candidate: unknown): boolean =>
        schemas.length === 0 || schemas.some((schema) => schema.safeParse(candidate).success);
      if (accepts(named) || !accepts(value)) return named;
      return walk(value, schemas, 'shape', 0);
    },
    text,
    headers: (headers) =>
      Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, isSensitiveName(name) ? REDACTED : text(value)]),
      ),
    parameters,
    path: (path) =>
      // As a whole first: the token of a callback URL is known by what stands before it.
      text(path)
        .split('/')
        .map((segment) => {
          const plain = decoded(segment);
          const safe = text(plain);
          return safe === plain ? segment : encodeURIComponent(safe);
        })
        .join('/'),
  };
}

function itemSchemas(views: readonly Described[], index: number): readonly z.core.$ZodType[] {
  return views.flatMap((view) => (view.kind === 'items' ? (view.items[index] ?? view.rest ?? []) : []));
}

type Described = Exclude<Inside, { readonly kind: 'same' | 'nothing' }>;

function fieldSchemas(views: readonly Described[], name: string): readonly z.core.$ZodType[] {
  return views.flatMap((view) => {
    if (view.kind === 'values') return [view.values];
    const field = view.kind === 'fields' && Object.hasOwn(view.fields, name) ? view.fields[name] : undefined;
    return field === undefined ? [] : [field];
  });
}

function mapFields(value: object, map: (name: string, child: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, map(name, child)]));
}

/** Letters become `x`, digits `0`: what patterns mostly look at stays. */
function shapeOf(text: string): string {
  return text.replaceAll(/\p{L}/gu, 'x').replaceAll(/\p{N}/gu, '0');
}
