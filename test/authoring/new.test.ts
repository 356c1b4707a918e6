import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { proposalFromOpenApi } from '../../src/authoring/new/openapi.ts';
import { literal, zodSource } from '../../src/authoring/new/schema-source.ts';
import { fillTemplate } from '../../src/authoring/new/template.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import { ROOT, textOf } from '../docs/markdown.ts';
import { copyProject } from './project-copy.ts';

const project = copyProject('docproc');
const DOCPROC = join(ROOT, 'integrations/docproc/schemas/openapi.yaml');
const run = (...argv: string[]) => playbook(['new', ...argv, '--project', project.folder]);
const written = (service: string, path: string): string =>
  readFileSync(join(project.folder, 'integrations', service, path), 'utf8');
afterAll(() => project.close());

describe('playbook new', () => {
  it('proposes docproc from its OpenAPI document, says what it guessed, and is ready', async () => {
    const objective = 'Using paperwork, a service must read letters so that 95 % are read within 5 s.';
    const { code, out } = await run(
      'paperwork',
      '--from',
      DOCPROC,
      '--objective',
      objective,
      '--owner',
      'docs',
      '--json',
    );
    expect(code).toBe(0);
    const { files, guesses } = JSON.parse(out) as { files: string[]; guesses: string[] };
    expect(files).toEqual(
      expect.arrayContaining([
        '00-scope.md',
        'RUNBOOK.md',
        'context-gaps.md',
        'sandbox.yaml',
        'src/index.ts',
        'src/samples.ts',
        'tests/conformance.temporal.test.ts',
      ]),
    );
    expect(guesses).toContain('Submitting is POST /v3/jobs, and a job is asked for by GET /v3/jobs/{id}.');
    expect(readdirSync(join(project.folder, 'integrations/paperwork/schemas'))).toContain('job-response-v3.4.2.json');
    expect(await playbook(['check', 'paperwork', '--ready', '--project', project.folder])).toMatchObject({ code: 0 });
    expect(written('paperwork', 'src/models.ts')).toContain('text: pii(z.string()).optional()');
  });

  it('without a document writes the usual, and leaves the objective to be written', async () => {
    const { code, out } = await run('acme', '--owner', 'team');
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('integrations/acme is written') });
    expect(parse(written('acme', 'sandbox.yaml'))).toMatchObject({ shape: { name: 'acme', auth: { kind: 'bearer' } } });
    const checked = await playbook(['check', 'acme', '--ready', '--project', project.folder]);
    expect(checked.code).toBe(1);
    expect(checked.out).toContain('still holds ‹do what›: replace it');
  });

  it.each([
    [
      ['Acme'],
      'A service is named with 3 to 40 of a-z, 0-9 and -, beginning with a letter and ending with a letter or digit (got "Acme").',
    ],
    [['docproc'], 'integrations/docproc is there already, and nothing is overwritten.'],
    [['other', '--from', '/gone.yaml'], '/gone.yaml cannot be read. --from takes the path of an OpenAPI 3 document.'],
    [['other', '--qps', 'many'], '--qps must be a whole number from 1 to 250'],
    [['other', '--cost', 'a lot'], '--cost must be dollars such as 0.01 (got "a lot").'],
  ])('refuses %j with one error', async (argv, message) => {
    const { code, err } = await run(...argv);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
    expect(readdirSync(join(project.folder, 'integrations')).toSorted()).toEqual(['acme', 'docproc', 'paperwork']);
  });
});

describe('an OpenAPI document', () => {
  const document = (paths: object, more: object = {}) =>
    JSON.stringify({ openapi: '3.0.3', info: { title: 'T', version: 'v2' }, paths, ...more });
  const answer = (schema: object) => ({ responses: { 201: { content: { 'application/json': { schema } } } } });
  const job = {
    type: 'object',
    required: ['scan_id', 'phase'],
    properties: {
      scan_id: { type: 'integer' },
      phase: { enum: ['queued', 'done', 'broken', 'rejected', 'cancelled'] },
      label: { type: 'string', nullable: true },
    },
  };
  const body = (properties: object) => ({
    requestBody: {
      content: { 'application/json': { schema: { allOf: [{ type: 'object', required: ['file'], properties }] } } },
    },
  });

  it('with a PUT by id, an API key, offsets and words of its own is understood', () => {
    const list = {
      parameters: ['offset', 'count', 'label', 'changed_after'].map((name) => ({ name, in: 'query', schema: {} })),
      ...answer({ type: 'object', properties: { scans: { type: 'array', items: job }, total: { type: 'integer' } } }),
    };
    const put = { ...body({ file: { type: 'string' }, label: { type: 'string' } }), ...answer(job) };
    const text = document(
      { '/v2/scans/{scan}': { put, get: answer(job), delete: answer(job) }, '/v2/scans': { get: list } },
      { components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } } } },
    );
    expect(proposalFromOpenApi('scanner', text, 'x')).toMatchObject({
      apiVersion: 'v2',
      auth: { type: 'api_key', header: 'X-Key' },
      submit: { method: 'PUT', path: '/v2/scans/{id}', idempotency: { kind: 'put-id' }, referenceField: 'label' },
      cancel: { method: 'DELETE', path: '/v2/scans/{id}' },
      list: { pagination: 'offset', limit: 'count', items: 'scans', updatedAfter: 'changed_after' },
      job: { id: 'scan_id', word: 'phase', reference: 'label' },
      words: {
        queued: 'PROCESSING',
        done: 'COMPLETED',
        broken: 'PROCESSING',
        rejected: 'FAILED',
        cancelled: 'CANCELED',
      },
    });
  });

  it('that says little is completed with what is usual, and each guess is told', () => {
    const little = { type: 'object', properties: { id: { type: 'string' }, status: { type: 'string' } } };
    const text = document({
      '/jobs': { post: { ...body({ request_id: { type: 'string' } }), ...answer(little) } },
      '/jobs/{id}': { get: answer(little) },
    });
    const { auth, cancel, list, submit, guesses } = proposalFromOpenApi('little', text, 'x');
    expect({ auth, cancel, list, idempotency: submit.idempotency }).toEqual({
      auth: { type: 'none' },
      cancel: undefined,
      list: undefined,
      idempotency: { kind: 'body', field: 'request_id' },
    });
    expect(guesses.join(' ')).toMatch(
      /No call cancels a job.*does not list the words|does not list the words.*No call cancels/,
    );
  });

  it.each([
    ['a: [', 'x is neither YAML nor JSON'],
    ['swagger: "2.0"', 'x is no OpenAPI 3 document'],
    [document({ '/a': { get: {} } }), 'x has no call that looks like a job'],
  ])('that is none (%#) is refused', (text, message) => {
    expect(() => proposalFromOpenApi('other', text, 'x')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('what is written', () => {
  it('fills texts and sections, and refuses an unknown name', () => {
    expect(fillTemplate('a {{b}}\n{{#c}}\nyes\n{{/c}}\n{{^c}}\nno\n{{/c}}\n', { b: 'B', c: true })).toBe('a B\nyes\n');
    expect(() => fillTemplate('{{b}}', {})).toThrow('no value for {{b}}');
  });

  it('has schemas as the document has them', () => {
    expect(zodSource({ type: ['string', 'null'] }, 'answer')).toBe('z.string().nullable()');
    expect(zodSource({ enum: ['a', 'b'] }, 'input')).toBe("z.enum(['a', 'b'])");
    expect(zodSource({ enum: ['a', 'b'] }, 'answer')).toBe('z.string()');
    expect(zodSource({ type: 'string', pattern: "^it's", minLength: 1, maxLength: 9 }, 'input')).toBe(
      "z.string().regex(new RegExp('^it\\'s', 'u')).min(1).max(9)",
    );
    expect(zodSource({ type: 'integer', minimum: 1, maximum: 5 }, 'input')).toBe('z.int().min(1).max(5)');
    expect(zodSource({ type: 'array', items: { type: 'boolean' } }, 'input')).toBe('z.array(z.boolean())');
    expect(zodSource({ type: 'object' }, 'answer')).toBe('z.record(z.string(), z.unknown())');
    expect(zodSource({ const: 1 }, 'answer')).toBe('z.literal(1)');
    expect(literal({ 'a-b': [1, "it's"] })).toBe("{ 'a-b': [1, 'it\\'s'] }");
    expect(textOf('templates/integration/README.md.tmpl')).toContain('{{service}}');
  });
});
