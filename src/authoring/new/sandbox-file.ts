import { stringify } from 'yaml';
import { fieldOf, fieldsOf } from './schema.ts';
import type { Proposal, ProposedAuth, Schema } from './proposal.ts';
import { isNullable, sampleOf } from './schema-source.ts';

/** What a sandbox's engine can tell of its work, by the names such fields have. */
const WORK: readonly (readonly [RegExp, string])[] = [
  [/^artifact_?id$/i, '$work.artifactId'],
  [/^content_?type$/i, '$work.contentType'],
  [/^sha_?256$/i, '$work.sha256'],
  [/^(bytes|size)$/i, '$work.bytes'],
  [/^pages$/i, '$work.pages'],
  [/^characters$/i, '$work.characters'],
  [/^text$/i, '$work.text?'],
  [/^page_?texts$/i, '$work.pageTexts?'],
];

const REJECTED = 'REJECTED';

/** The sandbox that speaks a proposed API: the text of its `sandbox.yaml`. */
export function sandboxFile(service: string, proposal: Proposal): string {
  const { submit, upload, list, cancel, status, words, job } = proposal;
  const work = upload?.types.includes('text/plain') === true ? 'text' : 'none';
  const wordFor = (state: string): string | undefined => Object.keys(words).find((word) => words[word] === state);
  const processing = Object.keys(words).filter((word) => words[word] === 'PROCESSING');
  const shape = {
    name: service,
    auth: authOf(proposal.auth),
    ...(upload === undefined ? {} : { upload: { method: upload.method, path: upload.path, types: upload.types } }),
    submit: {
      method: submit.method,
      path: submit.path,
      status: submit.status,
      schema: submit.body,
      take: {
        ...(upload === undefined ? {} : { file: upload.field }),
        ...(submit.callbackField === undefined ? {} : { callbackUrl: submit.callbackField }),
        ...(submit.referenceField === undefined ? {} : { reference: submit.referenceField }),
      },
      idempotency: submit.idempotency,
    },
    status: { path: status.path },
    ...(cancel === undefined ? {} : { cancel }),
    ...(list === undefined ? {} : { list: listOf(list) }),
    states: {
      ...(processing.length > 1 ? { queued: processing[0] } : {}),
      processing: processing.at(-1) ?? 'PROCESSING',
      completed: wordFor('COMPLETED') ?? 'COMPLETED',
      failed: wordFor('FAILED') ?? 'FAILED',
      canceled: wordFor('CANCELED') ?? 'CANCELED',
    },
    bodies: {
      job: jobTemplate(proposal),
      result: resultTemplate(proposal),
      ...(job.error === undefined ? {} : { failure: failureTemplate(fieldOf(job.body, job.error)) }),
    },
    ...(submit.callbackField === undefined ? {} : { webhooks: webhooksOf(proposal.webhook) }),
    work: { kind: work, ...(work === 'none' ? failsOf(proposal) : {}) },
  };
  const about = `# ${service}'s API, for its sandbox: proposed from the definition. Every key: src/sandbox/options.ts, and under \`shape\`
# src/sandbox/shape/spec.ts. What the real service does otherwise belongs here as soon as it is known.
`;
  return `${about}${stringify({ processing: { minMs: 200, maxMs: 600 }, limit: { rate: 20 }, shape }, { lineWidth: 120 })}`;
}

/** Events by the sandbox's names of what they are about. */
function webhooksOf({ type, data, events: claims }: Proposal['webhook']) {
  const events = Object.entries(claims).map(([event, state]) => [state.toLowerCase(), event]);
  return {
    scheme: { kind: 'standard' },
    events: Object.fromEntries(events) as Readonly<Record<string, string>>,
    body: { [type]: '$event', [data]: '$job' },
  };
}

/** Jobs whose first text begins with `fail` do. */
function failsOf({ job, submit }: Proposal) {
  const field = failingField(submit);
  if (job.error === undefined || field === undefined) return {};
  return { fails: [{ field, matches: '^fail', code: REJECTED, message: 'The sandbox was asked to fail.' }] };
}

/** The first required field that takes any text. */
export function failingField(submit: Proposal['submit']): string | undefined {
  return (submit.body.required ?? []).find((name) => sampleOf(fieldOf(submit.body, name)) === 'sample');
}

function authOf(auth: ProposedAuth) {
  switch (auth.type) {
    case 'oauth_client_credentials':
      return { kind: 'oauth', tokenPath: auth.tokenPath.replace(/^https?:\/\/[^/]+/, '') };
    case 'api_key':
      return { kind: 'api-key', header: auth.header };
    default:
      return { kind: auth.type };
  }
}

function listOf(list: NonNullable<Proposal['list']>) {
  const { path, pagination, position, limit, reference, updatedAfter, page } = list;
  const body = Object.fromEntries(
    Object.entries(fieldsOf(page)).map(([name, field]) => [name, pageField(list, name, field)]),
  );
  const parameters = {
    position,
    limit,
    ...(reference === undefined ? {} : { reference }),
    ...(updatedAfter === undefined ? {} : { updatedAfter }),
  };
  return { path, pagination, parameters, body };
}

function pageField(list: NonNullable<Proposal['list']>, name: string, field: Schema): unknown {
  if (name === list.items) return '$items';
  if (name === list.next) return '$next';
  if (/more/i.test(name)) return '$more';
  if (/^total/i.test(name)) return '$total';
  if (/^offset$/i.test(name)) return '$offset';
  return sampleOf(field);
}

function jobTemplate({ job, submit }: Proposal): unknown {
  const asked = fieldsOf(submit.body);
  return Object.fromEntries(
    Object.entries(fieldsOf(job.body)).map(([name, field]) => {
      if (name === job.id) return [name, '$id'];
      if (name === job.word) return [name, '$word'];
      if (name === job.reference) return [name, `$reference${unlessNull(field)}`];
      if (name === job.result) return [name, `$result${unlessNull(field)}`];
      if (name === job.error) return [name, `$error${unlessNull(field)}`];
      if (name === job.costMicros) return [name, '$costMicros'];
      if (/^created/i.test(name)) return [name, '$createdAt'];
      if (/^(updated|changed|modified)/i.test(name)) return [name, '$updatedAt'];
      if (Object.hasOwn(asked, name)) return [name, `$field.${name}`];
      return [name, sampleOf(field)];
    }),
  );
}

/** Marks what is left out, rather than null, as long as there is none. */
const unlessNull = (field: Schema): string => (isNullable(field) ? '' : '?');

/** A failure in the service's form: the sandbox's own code where that is a text. */
function failureTemplate(error: Schema): unknown {
  return Object.fromEntries(
    Object.entries(fieldsOf(error)).map(([name, field]) => {
      const own = (name === 'code' || name === 'message') && typeof sampleOf(field) === 'string';
      return [name, own ? `$${name}` : sampleOf(field)];
    }),
  );
}

/** The code that a job the sandbox refuses fails with, as the service's errors have it. */
export function failingCode(error: Schema): string {
  const code = sampleOf(fieldOf(error, 'code'));
  return typeof code === 'string' ? REJECTED : String(code);
}

function resultTemplate({ job, upload }: Proposal): unknown {
  const schema = job.result === undefined ? {} : fieldOf(job.body, job.result);
  return Object.fromEntries(
    Object.entries(fieldsOf(schema)).map(([name, field]) => {
      const made = upload === undefined ? undefined : WORK.find(([names]) => names.test(name))?.[1];
      return [name, made ?? sampleOf(field)];
    }),
  );
}
