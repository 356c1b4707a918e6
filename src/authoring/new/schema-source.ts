import type { Schema } from './proposal.ts';
import { fieldsOf, typesOf } from './schema.ts';

/** Names of fields that hold what people wrote or are called, as a rule: proposed as personal data. */
const PERSONAL = /^(?:text|.*_texts?|name|.*_name|e?mail|.*_email|phone|address|transcript|content|summary)$/i;

/** How a schema is written: `input` is ours and strict; `answer` is theirs, so that a new word or an extra field breaks nothing. */
export type Side = 'input' | 'answer';

/** What we send goes out as JSON, which no type says of anything. */
const ANYTHING: Readonly<Record<Side, string>> = { input: 'z.any()', answer: 'z.unknown()' };

/** The zod source of a schema. @param indent of the line it stands on */
export function zodSource(schema: Schema, side: Side, indent = ''): string {
  const { forms, nullable } = formsOf(schema);
  const [form, ...others] = forms;
  const source = form === undefined || others.length > 0 ? ANYTHING[side] : oneForm(form, side, indent);
  return nullable ? `${source}.nullable()` : source;
}

/** The fields of an answer that are proposed as personal data, by dotted path. */
export function personalFields(schema: Schema, path = ''): string[] {
  return Object.entries(fieldsOf(schema)).flatMap(([name, field]) => {
    const own = path === '' ? name : `${path}.${name}`;
    return isPersonal(name, field)
      ? [own]
      : [...personalFields(field, own), ...personalFields(itemsOf(field), `${own}.*`)];
  });
}

const itemsOf = (schema: Schema): Schema => formsOf(schema).forms[0]?.items ?? {};

/** A value that fits a schema, as far as can be seen. */
export function sampleOf(schema: Schema): unknown {
  const [form = {}] = formsOf(schema).forms;
  if (form.default !== undefined) return form.default;
  if (form.example !== undefined) return form.example;
  if (form.const !== undefined) return form.const;
  if (form.enum !== undefined) return form.enum[0];
  const [type] = typesOf(form);
  if (type === 'integer' || type === 'number') return Math.max(1, form.minimum ?? 1);
  if (type === 'boolean') return true;
  if (type === 'array') return form.items === undefined ? [] : [sampleOf(form.items)];
  if (type === 'object' || form.properties !== undefined) {
    const required = new Set(form.required);
    const fields = Object.entries(fieldsOf(form)).filter(([name]) => required.has(name));
    return Object.fromEntries(fields.map(([name, field]) => [name, sampleOf(field)]));
  }
  return 'sample';
}

/** Whether null fits a schema. */
export function isNullable(schema: Schema): boolean {
  return formsOf(schema).nullable;
}

/** A schema's forms without null, and whether null is one. */
function formsOf(schema: Schema): { readonly forms: readonly Schema[]; readonly nullable: boolean } {
  const all = schema.oneOf ?? schema.anyOf ?? [schema];
  const isNull = (form: Schema): boolean => typesOf(form).length === 1 && typesOf(form)[0] === 'null';
  const forms = all
    .filter((form) => !isNull(form))
    .map((form) => {
      const types = typesOf(form).filter((type) => type !== 'null');
      const [type, ...others] = types;
      return type === undefined || others.length > 0 ? form : { ...form, type };
    });
  return { forms, nullable: all.some((form) => typesOf(form).includes('null')) };
}

function oneForm(schema: Schema, side: Side, indent: string): string {
  if (schema.const !== undefined)
    return side === 'answer' && typeof schema.const === 'string' ? 'z.string()' : `z.literal(${literal(schema.const)})`;
  const texts = schema.enum?.filter((one) => typeof one === 'string') ?? [];
  if (texts.length > 0 && texts.length === schema.enum?.length) {
    return side === 'answer' ? 'z.string()' : `z.enum([${texts.map(literal).join(', ')}])`;
  }
  const [type = schema.properties === undefined ? '' : 'object', ...others] = typesOf(schema);
  switch (others.length === 0 ? type : '') {
    case 'string':
      return `z.string()${side === 'input' ? textRules(schema) : ''}`;
    case 'integer':
      return `z.int()${numberRules(schema, side)}`;
    case 'number':
      return `z.number()${numberRules(schema, side)}`;
    case 'boolean':
      return 'z.boolean()';
    case 'array':
      return `z.array(${schema.items === undefined ? ANYTHING[side] : zodSource(schema.items, side, indent)})`;
    case 'object':
      return objectSource(schema, side, indent);
    default:
      return ANYTHING[side];
  }
}

function objectSource(schema: Schema, side: Side, indent: string): string {
  const fields = Object.entries(fieldsOf(schema));
  if (fields.length === 0) return `z.record(z.string(), ${ANYTHING[side]})`;
  const required = new Set(schema.required);
  const inner = `${indent}  `;
  const lines = fields.map(([name, field]) => {
    const source = zodSource(field, side, inner);
    const marked = side === 'answer' && isPersonal(name, field) ? `pii(${source})` : source;
    const optional = side === 'input' ? '.exactOptional()' : '.optional()';
    return `${inner}${propertyName(name)}: ${marked}${required.has(name) ? '' : optional},`;
  });
  return `z.${side === 'input' ? 'strictObject' : 'object'}({\n${lines.join('\n')}\n${indent}})`;
}

function textRules({ pattern, minLength, maxLength }: Schema): string {
  return [
    pattern === undefined ? '' : `.regex(new RegExp(${literal(pattern)}, 'u'))`,
    minLength === undefined ? '' : `.min(${minLength})`,
    maxLength === undefined ? '' : `.max(${maxLength})`,
  ].join('');
}

function numberRules({ minimum, maximum }: Schema, side: Side): string {
  if (side === 'answer') return '';
  return `${minimum === undefined ? '' : `.min(${minimum})`}${maximum === undefined ? '' : `.max(${maximum})`}`;
}

function isPersonal(name: string, schema: Schema): boolean {
  const { forms } = formsOf(schema);
  const types = typesOf(forms[0]);
  return PERSONAL.test(name) && (types[0] === 'string' || types[0] === 'array') && forms[0]?.enum === undefined;
}

/** A name as it stands in an object literal. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
}

/** `.name`, or `['a-name']`. */
export function access(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${literal(name)}]`;
}

/** Any JSON value as TypeScript source, texts in single quotes. */
export function literal(value: unknown): string {
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, one]) => `${propertyName(name)}: ${literal(one)}`);
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
  }
  return JSON.stringify(value);
}
