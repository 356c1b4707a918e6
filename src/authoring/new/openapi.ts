import { PlaybookError } from '../../contracts/errors.ts';
import type { ObservedState } from '../../contracts/states.ts';
import { list, operationsOf, payloadsOf, readDocument, resolve, textOf, tree } from './document.ts';
import type { Operation, Tree } from './document.ts';
import { KEY_ERRORS_GUESS, usualProposal } from './proposal.ts';
import type { Proposal, ProposedAuth, ProposedIdempotency, Schema } from './proposal.ts';
import { fieldOf, fieldsOf, typesOf } from './schema.ts';
import { stateOf } from './state-words.ts';
import { webhookOf } from './webhook.ts';

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
  const { status, submit, ...found } = findJob(operations, source);
  const job = jobOf(found, guess);
  guess(`Submitting is ${shown(submit)}, and a job is asked for by ${shown(status)}.`);
  const upload = uploadOf(operations, submit, guess);
  const info = tree(document['info']);
  const contractVersion = /^v?(\d[0-9A-Za-z.-]*)$/.exec(textOf(info['version']))?.[1] ?? usual.contractVersion;
  const cancel = cancelOf(operations, status, guess);
  const listing = listOf(operations, submit, guess);
  const proposed = submitOf(submit, guess);
  const words = wordsOf(job, guess);
  return {
    title: textOf(info['title']) || service,
    contractVersion,
    apiVersion: /\/(v\d+)\//.exec(submit.path)?.[1] ?? `v${contractVersion.replace(/\..*$/, '')}`,
    baseUrl: serverOf(document) ?? usual.baseUrl,
    auth: authOf(document, guess),
    ...(upload === undefined ? {} : { upload }),
    submit: proposed,
    status: { path: withId(status.path) },
    ...(cancel === undefined ? {} : { cancel }),
    ...(listing === undefined ? {} : { list: listing }),
    job,
    words,
    webhook: webhookOf(payloadsOf(document), { job, words, takesUrl: proposed.callbackField }, guess),
    guesses,
  };
}

/** A job's two calls, and what tells it in the answer: its id and its status. */
interface JobCalls {
  readonly status: Operation;
  readonly submit: Operation & { readonly body: Schema };
  readonly body: Schema;
  readonly id: string;
  readonly word: string;
}

/** The GET of one job with an id and a status in it, and the call that makes one. */
function findJob(operations: readonly Operation[], source: string): JobCalls {
  for (const status of operations.filter(({ method, path }) => method === 'GET' && /\{[^}]+\}$/.test(path))) {
    const { answer } = status;
    const fields = Object.keys(fieldsOf(answer));
    const id = fields.find((name) => /^id$/i.test(name)) ?? fields.find((name) => /(?:^|_)id$|Id$/.test(name));
    const word = WORD_FIELDS.find((name) => fields.includes(name));
    const submit = submitBeside(status, operations);
    if (answer !== undefined && id !== undefined && word !== undefined && submit !== undefined)
      return { status, submit, body: answer, id, word };
  }
  throw new PlaybookError(
    'CONFIG_INVALID',
    `${source} has no call that looks like a job's: a GET of one thing by id whose answer holds its id and a status, and a POST (or PUT by id) with a JSON body that makes one. Leave --from out and adapt what is written.`,
  );
}

function submitBeside(status: Operation, operations: readonly Operation[]): JobCalls['submit'] | undefined {
  const takesBody = (one: Operation): one is JobCalls['submit'] => one.body !== undefined;
  const above = status.path.replace(/\/\{[^}]+\}$/, '');
  const submits = operations.filter(takesBody);
  return (
    submits.find(({ method, path }) => method === 'POST' && path === above) ??
    submits.find(({ method, path }) => method === 'PUT' && path === status.path)
  );
}

/** One kind of file, not a range of them. */
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+$/;
/** What fields and parameters are called that hold our reference. */
const REFERENCE = /^(reference|external_reference|client_reference|label|correlation_id)$/i;
const WORD_FIELDS = ['status', 'state', 'phase', 'stage'];

function jobOf(
  { body, id, word }: Pick<JobCalls, 'body' | 'id' | 'word'>,
  guess: (sentence: string) => void,
): Proposal['job'] {
  const fields = fieldsOf(body);
  const find = (names: RegExp): string | undefined => Object.keys(fields).find((name) => names.test(name));
  const result = find(/^(result|results|output|outputs)$/i);
  const error = find(/^(error|failure|problem)$/i);
  const errorFields = error === undefined ? [] : Object.keys(fieldsOf(fields[error]));
  const reference = find(REFERENCE);
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

function wordsOf(
  { body, word }: Proposal['job'],
  guess: (sentence: string) => void,
): Readonly<Record<string, ObservedState>> {
  const words = (fieldOf(body, word).enum ?? []).filter((one) => typeof one === 'string');
  if (words.length === 0) {
    guess(
      'The document does not list the words of the status: PROCESSING, COMPLETED, FAILED and CANCELED are assumed.',
    );
    return usualProposal('x').words;
  }
  const states = words.map((one) => [one, stateOf(one) ?? 'PROCESSING'] as const);
  guess(`The words mean: ${states.map(([theirs, ours]) => `${theirs} → ${ours}`).join(', ')}.`);
  return Object.fromEntries(states);
}

function submitOf(submit: JobCalls['submit'], guess: (sentence: string) => void): Proposal['submit'] {
  const fields = fieldsOf(submit.body);
  const find = (names: RegExp): string | undefined => Object.keys(fields).find((name) => names.test(name));
  const referenceField = find(REFERENCE);
  const callbackField = find(/^(callback_url|webhook_url|notify_url|callbackUrl|webhookUrl)$/i);
  const idempotency = idempotencyOf(submit, find(/^(idempotency_key|idempotencyKey|request_id|client_token)$/i));
  guess(
    idempotency.kind === 'none'
      ? 'No idempotency key was found: a submit of unknown fate is looked up by our reference where that can be done, else the job fails as AMBIGUOUS_SUBMIT.'
      : `A repeated submit is recognised by ${{ header: 'a header', body: 'a field of the body', 'put-id': 'the id in its path' }[idempotency.kind]}, for 24 hours.`,
  );
  if (idempotency.kind !== 'none') guess(KEY_ERRORS_GUESS);
  return {
    method: submit.method === 'PUT' ? 'PUT' : 'POST',
    path: withId(submit.path),
    status: submit.status,
    body: submit.body,
    idempotency,
    ...(referenceField === undefined ? {} : { referenceField }),
    ...(callbackField === undefined ? {} : { callbackField }),
  };
}

function idempotencyOf(submit: Operation, field: string | undefined): ProposedIdempotency {
  if (submit.method === 'PUT') return { kind: 'put-id' };
  const header = submit.parameters.find(({ in: where, name }) => where === 'header' && /idempotency/i.test(name));
  if (header !== undefined) return { kind: 'header', header: header.name };
  return field === undefined ? { kind: 'none' } : { kind: 'body', field };
}

function uploadOf(
  operations: readonly Operation[],
  submit: JobCalls['submit'],
  guess: (sentence: string) => void,
): Proposal['upload'] {
  const upload = operations.find(
    ({ method, path, bodyTypes }) =>
      (method === 'PUT' || method === 'POST') &&
      path !== submit.path &&
      path.includes('{sha256}') &&
      bodyTypes.some((type) => MEDIA_TYPE.test(type)),
  );
  const field = Object.keys(fieldsOf(submit.body)).find((name) =>
    /^(input|file|file_id|document|recording|source)$/i.test(name),
  );
  if (upload === undefined || field === undefined) return undefined;
  guess(`Files are uploaded before the submit, under their SHA-256: ${shown(upload)}.`);
  guess(`\`${field}\` takes the SHA-256 of the uploaded file, as \`sha256:…\` where its pattern says so.`);
  const types = upload.bodyTypes.filter((type) => MEDIA_TYPE.test(type));
  return { method: upload.method === 'PUT' ? 'PUT' : 'POST', path: upload.path, types, field };
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
  const [reference, updatedAfter] = [one(REFERENCE), one(/^(updated_after|changed_after|modified_after)$/i)];
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

const withId = (path: string): string => path.replace(/\{[^}]+\}/, '{id}');
const shown = ({ method, path }: Operation): string => `${method} ${path}`;
