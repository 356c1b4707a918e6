import { stringify } from 'yaml';
import { fieldsOf } from './openapi.ts';
import type { Proposal, ProposedAuth, Schema } from './proposal.ts';
import { sampleOf } from './schema-source.ts';

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

/** The sandbox that speaks a proposed API: the text of its `sandbox.yaml`. */
export function sandboxFile(service: string, proposal: Proposal): string {
  const { submit, upload, list, cancel, status, words } = proposal;
  const work =
    upload !== undefined && upload.types.includes('text/plain') && submit.fileField !== undefined ? 'text' : 'none';
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
        ...(submit.fileField === undefined ? {} : { file: submit.fileField }),
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
    },
    work: { kind: work, ...(work === 'none' ? failsOf(proposal) : {}) },
  };
  const about = `# ${service}'s API, for its sandbox: proposed from the definition. Every key: src/sandbox/options.ts, and under \`shape\`
# src/sandbox/shape/spec.ts. What the real service does otherwise belongs here as soon as it is known.
`;
  return `${about}${stringify({ processing: { minMs: 200, maxMs: 600 }, limit: { rate: 20 }, shape }, { lineWidth: 120 })}`;
}

/** Jobs whose first text begins with `fail` do. */
function failsOf({ job, submit }: Proposal) {
  const field = failingField(submit);
  if (job.error === undefined || field === undefined) return {};
  return { fails: [{ field, matches: '^fail', code: 'REJECTED', message: 'The sandbox was asked to fail.' }] };
}

/** The first required field that takes any text. */
export function failingField(submit: Proposal['submit']): string | undefined {
  return (submit.body.required ?? []).find((name) => sampleOf(fieldsOf(submit.body)[name] ?? {}) === 'sample');
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
      if (name === job.reference) return [name, '$reference'];
      if (name === job.result) return [name, '$result'];
      if (name === job.error) return [name, '$error'];
      if (name === job.costMicros) return [name, '$costMicros'];
      if (/^created/i.test(name)) return [name, '$createdAt'];
      if (/^(updated|changed|modified)/i.test(name)) return [name, '$updatedAt'];
      if (Object.hasOwn(asked, name)) return [name, `$field.${name}`];
      return [name, sampleOf(field)];
    }),
  );
}

function resultTemplate({ job, upload }: Proposal): unknown {
  const schema = job.result === undefined ? {} : (fieldsOf(job.body)[job.result] ?? {});
  return Object.fromEntries(
    Object.entries(fieldsOf(schema)).map(([name, field]) => {
      const made = upload === undefined ? undefined : WORK.find(([names]) => names.test(name))?.[1];
      return [name, made ?? sampleOf(field)];
    }),
  );
}
