import type { Schema } from './proposal.ts';

/** Fields of an object, also of one that may be null. */
export function fieldsOf(schema: Schema | undefined): Readonly<Record<string, Schema>> {
  if (schema === undefined) return {};
  if (schema.properties !== undefined) return schema.properties;
  const forms = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].filter((form) => form.properties !== undefined);
  return forms[0]?.properties ?? {};
}

/** One of the {@link fieldsOf} a schema; anything where it has none of that name. */
export function fieldOf(schema: Schema | undefined, name: string): Schema {
  return fieldsOf(schema)[name] ?? {};
}

/** The types a schema names. */
export function typesOf(schema: Schema | undefined): readonly string[] {
  const type = schema?.type;
  return type === undefined ? [] : typeof type === 'string' ? [type] : type;
}
