import { parse } from 'yaml';
import { PlaybookError } from '../../contracts/errors.ts';
import type { ObservedState } from '../../contracts/states.ts';
import { usualProposal } from './proposal.ts';
import type { Proposal, ProposedAuth, ProposedIdempotency, Schema } from './proposal.ts';

type Tree = Readonly<Record<string, unknown>>;

/** One call of the document, its references followed. */
interface Operation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly about: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly body: Schema | undefined;
  readonly bodyTypes: readonly string[];
  /** The first answer of 2xx. */
  readonly status: number;
  readonly answer: Schema | undefined;
}

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
const MAX_DEPTH = 30;

/**
 * Reads an OpenAPI 3 document and proposes an integration, saying what was guessed.
 * @throws PlaybookError CONFIG_INVALID when it is no such document, or no call in it looks like submitting a job
 */
export function proposalFromOpenApi(service: string, text: string, source: string): Proposal {
  const document = readDocument(text, source);
  const operations = operationsOf(document);
  const usual = usualProposal(service);
  const guesses: string[] = [];
  const guess = (sentence: string): void => void guesses.push(sentence);
  const [status, submit] = findJob(operations, source);
  const job = jobOf(status.answer ?? {}, guess);
  guess(`Submitting is ${shown(submit)}, and a job is asked for by ${shown(status)}.`);
  const upload = uploadOf(operations, submit, guess);
  const info = tree(document['info']);
  const contractVersion = textOf(info['version']).replace(/^v/, '') || usual.contractVersion;
  const baseUrl = serverOf(document) ?? usual.baseUrl;
  const statusPath = withId(status.path);
  const cancel = cancelOf(operations, status, guess);
  const list = listOf(operations, submit, guess);
  return {
    title: textOf(info['title']) || service,
    contractVersion: /^\d[0-9A-Za-z.-]*$/.test(contractVersion) ? contractVersion : usual.contractVersion,
    apiVersion: /\/(v\d+)\//.exec(submit.path)?.[1] ?? `v${contractVersion.split('.')[0] ?? '1'}`,
    baseUrl,
    auth: authOf(document, guess),
    ...(upload === undefined ? {} : { upload }),
    submit: submitOf(submit, upload !== undefined, guess),
    status: { path: statusPath },
    ...(cancel === undefined ? {} : { cancel }),
    ...(list === undefined ? {} : { list }),
    job,
    words: wordsOf(job, status.answer ?? {}, guess),
    guesses,
  };
}

function readDocument(text: string, source: string): Tree {
  let document: unknown;
  try {
    document = parse(text, { merge: true, maxAliasCount: 1_000 });
  } catch (cause) {
    throw new PlaybookError('CONFIG_INVALID', `${source} is neither YAML nor JSON: ${String(cause).split('\n')[0]}`, {
      cause,
    });
  }
  if (textOf(tree(document)['openapi']).startsWith('3.') && isTree(tree(document)['paths'])) return tree(document);
  throw new PlaybookError(
    'CONFIG_INVALID',
    `${source} is no OpenAPI 3 document: it needs \`openapi: 3.…\` and \`paths\`.`,
  );
}

function operationsOf(document: Tree): Operation[] {
  return Object.entries(tree(document['paths'])).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = resolve(document, tree(item)[method]);
      if (!isTree(operation)) return [];
      const parameters = [...list(tree(item)['parameters']), ...list(operation['parameters'])].map((one) => {
        const parameter = resolve(document, one) as Tree;
        return {
          name: textOf(parameter['name']),
          in: textOf(parameter['in']),
          schema: schemaOf(document, parameter['schema']),
        };
      });
      const content = tree(tree(resolve(document, operation['requestBody']))['content']);
      const success = Object.entries(tree(operation['responses'])).find(([code]) => code.startsWith('2'));
      const answer = tree(tree(resolve(document, success?.[1]))['content'])['application/json'];
      return {
        method: method.toUpperCase(),
        path,
        id: textOf(operation['operationId']),
        about: `${textOf(operation['operationId'])} ${textOf(operation['summary'])} ${textOf(operation['description'])}`,
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

/** The GET of one job with a status in it, and the call that makes one. */
function findJob(operations: readonly Operation[], source: string): readonly [Operation, Operation] {
  for (const status of operations.filter(({ method, path }) => method === 'GET' && /\{[^}]+\}$/.test(path))) {
    if (wordField(status.answer) === undefined) continue;
    const above = status.path.replace(/\/\{[^}]+\}$/, '');
    const submit =
      operations.find(({ method, path, body }) => method === 'POST' && path === above && body !== undefined) ??
      operations.find(({ method, path, body }) => method === 'PUT' && path === status.path && body !== undefined);
    if (submit !== undefined) return [status, submit];
  }
  throw new PlaybookError(
    'CONFIG_INVALID',
    `${source} has no call that looks like a job's: a GET of one thing by id whose answer holds a status, and a POST (or PUT by id) with a JSON body that makes one. Leave --from out and adapt what is written.`,
  );
}

const WORD_FIELDS = ['status', 'state', 'phase', 'stage'];

function wordField(schema: Schema | undefined): string | undefined {
  return WORD_FIELDS.find((name) => Object.hasOwn(fieldsOf(schema), name));
}

function jobOf(body: Schema, guess: (sentence: string) => void): Proposal['job'] {
  const fields = fieldsOf(body);
  const find = (names: RegExp): string | undefined => Object.keys(fields).find((name) => names.test(name));
  const id = find(/^id$/i) ?? find(/(?:^|_)id$|Id$/) ?? 'id';
  const word = wordField(body) ?? 'status';
  const result = find(/^(result|results|output|outputs)$/i);
  const error = find(/^(error|failure|problem)$/i);
  const errorFields = error === undefined ? [] : Object.keys(fieldsOf(fields[error]));
  const reference = find(/^(reference|external_reference|client_reference|label|correlation_id)$/i);
  const costMicros = find(/^cost_micros$/i);
  guess(
    `A job's id is \`${id}\`, its status \`${word}\`${reference === undefined ? '' : `, our reference \`${reference}\``}.`,
  );
  guess(
    result === undefined
      ? 'No field looks like the result: the whole job is taken as it.'
      : `Its result is \`${result}\`, and nothing more is fetched.`,
  );
  return {
    body,
    id,
    word,
    ...(reference === undefined ? {} : { reference }),
    ...(result === undefined ? {} : { result }),
    ...(error !== undefined && errorFields.includes('code') && errorFields.includes('message') ? { error } : {}),
    ...(costMicros === undefined ? {} : { costMicros }),
  };
}

const STATE_WORDS: readonly (readonly [RegExp, ObservedState])[] = [
  [/^(completed?|succeeded|success|successful|done|ready|finished|ok)$/i, 'COMPLETED'],
  [/^(failed|failure|error|errored|rejected|expired|timed_?out)$/i, 'FAILED'],
  [/^(cancel{1,2}ed|cancel{1,2}ing|aborted|withdrawn|revoked)$/i, 'CANCELED'],
];

function wordsOf(
  { word }: Proposal['job'],
  body: Schema,
  guess: (sentence: string) => void,
): Readonly<Record<string, ObservedState>> {
  const words = (fieldsOf(body)[word]?.enum ?? []).filter((one) => typeof one === 'string');
  if (words.length === 0) {
    guess(
      'The document does not list the words of the status: PROCESSING, COMPLETED, FAILED and CANCELED are assumed.',
    );
    return usualProposal('x').words;
  }
  const states = words.map(
    (one) => [one, STATE_WORDS.find(([names]) => names.test(one))?.[1] ?? 'PROCESSING'] as const,
  );
  guess(`The words mean: ${states.map(([theirs, ours]) => `${theirs} → ${ours}`).join(', ')}.`);
  return Object.fromEntries(states);
}

function submitOf(submit: Operation, hasUpload: boolean, guess: (sentence: string) => void): Proposal['submit'] {
  const fields = fieldsOf(submit.body);
  const find = (names: RegExp): string | undefined => Object.keys(fields).find((name) => names.test(name));
  const referenceField = find(/^(reference|external_reference|client_reference|label|correlation_id)$/i);
  const callbackField = find(/^(callback_url|webhook_url|notify_url|callbackUrl|webhookUrl)$/i);
  const fileField = hasUpload ? find(/^(input|file|file_id|document|recording|source)$/i) : undefined;
  const idempotency = idempotencyOf(submit, find(/^(idempotency_key|idempotencyKey|request_id|client_token)$/i));
  guess(
    idempotency.kind === 'none'
      ? 'No idempotency key was found: a submit of unknown fate is looked up by our reference where that can be done, else the job fails as AMBIGUOUS_SUBMIT.'
      : `A repeated submit is recognised by ${{ header: 'a header', body: 'a field of the body', 'put-id': 'the id in its path' }[idempotency.kind]}, for 24 hours.`,
  );
  if (fileField !== undefined)
    guess(`\`${fileField}\` takes the SHA-256 of the uploaded file, as \`sha256:…\` where its pattern says so.`);
  if (callbackField !== undefined)
    guess(
      `\`${callbackField}\` takes the URL webhooks go to. Whether and how they are signed no document says: jobs are polled until \`webhook\` is added to the definition.`,
    );
  return {
    method: submit.method === 'PUT' ? 'PUT' : 'POST',
    path: withId(submit.path),
    status: submit.status,
    body: submit.body ?? {},
    idempotency,
    ...(fileField === undefined ? {} : { fileField }),
    ...(referenceField === undefined ? {} : { referenceField }),
    ...(callbackField === undefined ? {} : { callbackField }),
  };
}

function idempotencyOf(submit: Operation, field: string | undefined): ProposedIdempotency {
  const header = submit.parameters.find(({ in: where, name }) => where === 'header' && /idempotency/i.test(name));
  if (header !== undefined) return { kind: 'header', header: header.name };
  if (submit.method === 'PUT') return { kind: 'put-id' };
  return field === undefined ? { kind: 'none' } : { kind: 'body', field };
}

function uploadOf(
  operations: readonly Operation[],
  submit: Operation,
  guess: (sentence: string) => void,
): Proposal['upload'] {
  const upload = operations.find(
    ({ method, path, bodyTypes }) =>
      (method === 'PUT' || method === 'POST') &&
      path !== submit.path &&
      path.includes('{sha256}') &&
      bodyTypes.length > 0,
  );
  if (upload === undefined) return undefined;
  guess(`Files are uploaded before the submit, under their SHA-256: ${shown(upload)}.`);
  return { method: upload.method === 'PUT' ? 'PUT' : 'POST', path: upload.path, types: upload.bodyTypes };
}

function cancelOf(
  operations: readonly Operation[],
  status: Operation,
  guess: (sentence: string) => void,
): Proposal['cancel'] {
  const found =
    operations.find(
      ({ method, path }) => method === 'POST' && path.startsWith(`${status.path}/`) && /cancel|abort/i.test(path),
    ) ?? operations.find(({ method, path }) => method === 'DELETE' && path === status.path);
  if (found === undefined) {
    guess('No call cancels a job: a canceled job goes on at the service.');
    return undefined;
  }
  guess(`A job is canceled by ${shown(found)}.`);
  return { method: found.method === 'DELETE' ? 'DELETE' : 'POST', path: withId(found.path) };
}

function listOf(
  operations: readonly Operation[],
  submit: Operation,
  guess: (sentence: string) => void,
): Proposal['list'] {
  const path = submit.path.replace(/\/\{[^}]+\}$/, '');
  const found = operations.find((one) => one.method === 'GET' && one.path === path);
  const page = found?.answer;
  const fields = fieldsOf(page);
  const items = Object.keys(fields).find((name) => typesOf(fields[name]).includes('array'));
  if (found === undefined || page === undefined || items === undefined) return undefined;
  const query = found.parameters.filter(({ in: where }) => where === 'query').map(({ name }) => name);
  const one = (names: RegExp): string | undefined => query.find((name) => names.test(name));
  const cursor = one(/^(cursor|page_token|pageToken|after|starting_after)$/i);
  const offset = one(/^(offset|skip)$/i);
  const next = Object.keys(fields).find((name) => /next/i.test(name));
  const position = cursor ?? offset ?? one(/^page$/i);
  const limit = one(/^(limit|count|page_size|pageSize|per_page)$/i);
  if (position === undefined || limit === undefined || (cursor !== undefined && next === undefined)) return undefined;
  const [reference, updatedAfter] = [
    one(/^(reference|label|external_reference)$/i),
    one(/^(updated_after|changed_after|modified_after)$/i),
  ];
  guess(`Jobs are listed by ${shown(found)}, page by page through \`${position}\`; the jobs are in \`${items}\`.`);
  return {
    path,
    position,
    pagination: cursor === undefined ? (offset === undefined ? 'page' : 'offset') : 'cursor',
    limit,
    ...(reference === undefined ? {} : { reference }),
    ...(updatedAfter === undefined ? {} : { updatedAfter }),
    page,
    items,
    ...(next === undefined ? {} : { next }),
  };
}

function authOf(document: Tree, guess: (sentence: string) => void): ProposedAuth {
  const schemes = Object.values(tree(tree(document['components'])['securitySchemes'])).map((one) =>
    tree(resolve(document, one)),
  );
  for (const scheme of schemes) {
    const flow = tree(tree(scheme['flows'])['clientCredentials']);
    if (scheme['type'] === 'oauth2' && flow['tokenUrl'] !== undefined) {
      const scopes = Object.keys(tree(flow['scopes']));
      guess(
        `Requests carry an OAuth token of the client, with every scope the document names: ${scopes.join(', ') || 'none'}.`,
      );
      return { type: 'oauth_client_credentials', tokenPath: textOf(flow['tokenUrl']), scopes };
    }
    if (scheme['type'] === 'apiKey' && scheme['in'] === 'header') {
      guess(`Requests carry an API key in ${textOf(scheme['name'])}.`);
      return { type: 'api_key', header: textOf(scheme['name']) };
    }
    if (scheme['type'] === 'http' && /^(bearer|basic)$/i.test(textOf(scheme['scheme']))) {
      return { type: textOf(scheme['scheme']).toLowerCase() as 'bearer' | 'basic' };
    }
  }
  guess('The document names no authentication that is known here: none is configured.');
  return { type: 'none' };
}

function serverOf(document: Tree): string | undefined {
  const url = textOf(tree(list(document['servers'])[0])['url']);
  return url.startsWith('https://') ? url.replace(/\/$/, '') : undefined;
}

/** A schema with its references followed and `allOf` laid together; one that refers to itself ends as anything. */
function schemaOf(document: Tree, raw: unknown, depth = 0): Schema {
  const schema = tree(resolve(document, raw));
  if (depth > MAX_DEPTH) return {};
  const below = (one: unknown): Schema => schemaOf(document, one, depth + 1);
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

/** Fields of an object, also of one that may be null. */
export function fieldsOf(schema: Schema | undefined): Readonly<Record<string, Schema>> {
  if (schema === undefined) return {};
  if (schema.properties !== undefined) return schema.properties;
  const forms = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].filter((form) => form.properties !== undefined);
  return forms[0]?.properties ?? {};
}

export function typesOf(schema: Schema | undefined): readonly string[] {
  const type = schema?.type;
  return type === undefined ? [] : typeof type === 'string' ? [type] : type;
}

function resolve(document: Tree, value: unknown): unknown {
  let found = value;
  for (let hops = 0; hops < MAX_DEPTH; hops += 1) {
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

const withId = (path: string): string => path.replace(/\{[^}]+\}/, '{id}');
const shown = ({ method, path }: Operation): string => `${method} ${path}`;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const tree = (value: unknown): Tree => (isTree(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';
