import { parse } from 'yaml';
import { PlaybookError } from '../../contracts/errors.ts';
import { messageOf } from '../../rules/message-of.ts';
import type { Schema } from './proposal.ts';

/** A mapping of the document. */
export type Tree = Readonly<Record<string, unknown>>;

/** One call of a document, its references followed. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly body: Schema | undefined;
  readonly bodyTypes: readonly string[];
  /** The first answer of 2xx. */
  readonly status: number;
  readonly answer: Schema | undefined;
}

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
/** References to references are followed this far. */
const MAX_HOPS = 30;

/** Reads an OpenAPI 3 document. @throws PlaybookError CONFIG_INVALID when it is none */
export function readDocument(text: string, source: string): Tree {
  let document: unknown;
  try {
    document = parse(text, { merge: true, maxAliasCount: 1_000 });
  } catch (cause) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `${source} is neither YAML nor JSON: ${messageOf(cause).split('\n')[0]}`,
      {
        cause,
      },
    );
  }
  if (textOf(tree(document)['openapi']).startsWith('3.') && isTree(tree(document)['paths'])) return tree(document);
  throw new PlaybookError(
    'CONFIG_INVALID',
    `${source} is no OpenAPI 3 document: it needs \`openapi: 3.…\` and \`paths\`.`,
  );
}

/** Every call of a document, in its order. */
export function operationsOf(document: Tree): Operation[] {
  return Object.entries(tree(document['paths'])).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = resolve(document, tree(item)[method]);
      if (!isTree(operation)) return [];
      const parameters = [...list(tree(item)['parameters']), ...list(operation['parameters'])].map((one) => {
        const parameter = tree(resolve(document, one));
        return { name: textOf(parameter['name']), in: textOf(parameter['in']) };
      });
      const content = tree(tree(resolve(document, operation['requestBody']))['content']);
      const success = Object.entries(tree(operation['responses'])).find(([code]) => code.startsWith('2'));
      const answer = tree(tree(resolve(document, success?.[1]))['content'])['application/json'];
      return {
        method: method.toUpperCase(),
        path,
        parameters,
        body: isTree(content['application/json'])
          ? schemaOf(document, content['application/json']['schema'])
          : undefined,
        bodyTypes: Object.keys(content),
        status: Number(success?.[0]) || 200,
        answer: isTree(answer) ? schemaOf(document, answer['schema']) : undefined,
      };
    }),
  );
}

/** The JSON bodies of what a service sends by itself: of its `webhooks`, and of the `callbacks` of its calls. */
export function payloadsOf(document: Tree): Schema[] {
  const calls = Object.values(tree(document['paths'])).flatMap((item) => METHODS.map((method) => tree(item)[method]));
  const callbacks = calls.flatMap((call) => Object.values(tree(tree(resolve(document, call))['callbacks'])));
  const items = [document['webhooks'], ...callbacks].flatMap((one) => Object.values(tree(resolve(document, one))));
  return items.flatMap((item) => {
    const { requestBody } = tree(tree(resolve(document, item))['post']);
    const json = tree(tree(tree(resolve(document, requestBody))['content'])['application/json']);
    return json['schema'] === undefined ? [] : [schemaOf(document, json['schema'])];
  });
}

/** A schema with its references followed and `allOf` laid together; where it comes back to itself it ends as anything. */
function schemaOf(document: Tree, raw: unknown, above: readonly string[] = []): Schema {
  const reference = textOf(tree(raw)['$ref']);
  if (above.includes(reference)) return {};
  const schema = tree(resolve(document, raw));
  const followed = reference === '' ? above : [...above, reference];
  const below = (one: unknown): Schema => schemaOf(document, one, followed);
  const parts = list(schema['allOf']).map(below);
  const properties = Object.fromEntries(
    Object.entries(tree(schema['properties'])).map(([name, one]) => [name, below(one)]),
  );
  const merged = parts.reduce<Schema>(
    (all, part) => ({
      ...all,
      ...part,
      properties: { ...all.properties, ...part.properties },
      required: [...(all.required ?? []), ...(part.required ?? [])],
    }),
    {},
  );
  const nullable =
    schema['nullable'] === true && typeof schema['type'] === 'string' ? { type: [schema['type'], 'null'] } : {};
  const own = Object.fromEntries(
    Object.entries(schema).filter(
      ([name]) => !['allOf', 'properties', 'items', 'oneOf', 'anyOf', '$ref', 'if', 'then', 'else'].includes(name),
    ),
  ) as Schema;
  const fields = { ...merged.properties, ...properties };
  return {
    ...merged,
    ...own,
    ...nullable,
    ...(Object.keys(fields).length === 0 ? {} : { properties: fields }),
    ...(own.required === undefined && merged.required === undefined
      ? {}
      : { required: [...(merged.required ?? []), ...(own.required ?? [])] }),
    ...(schema['items'] === undefined ? {} : { items: below(schema['items']) }),
    ...(schema['oneOf'] === undefined ? {} : { oneOf: list(schema['oneOf']).map(below) }),
    ...(schema['anyOf'] === undefined ? {} : { anyOf: list(schema['anyOf']).map(below) }),
  };
}

/** What stands at the end of a reference to this document; anything else as it is. */
export function resolve(document: Tree, value: unknown): unknown {
  let found = value;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const reference = isTree(found) ? found['$ref'] : undefined;
    if (typeof reference !== 'string' || !reference.startsWith('#/')) return found;
    found = reference
      .slice(2)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>((above, name) => tree(above)[name], document);
  }
  return undefined;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
export const tree = (value: unknown): Tree => (isTree(value) ? value : {});
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';
