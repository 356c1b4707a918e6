import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { formatFiles } from '../../src/authoring/new/format.ts';
import { proposalFromOpenApi } from '../../src/authoring/new/openapi.ts';
import { literal, personalFields, sampleOf, zodSource } from '../../src/authoring/new/schema-source.ts';
import type { Proposal } from '../../src/authoring/new/proposal.ts';
import { renderIntegration } from '../../src/authoring/new/render.ts';
import { fillTemplate } from '../../src/authoring/new/template.ts';
import { readTemplates } from '../../src/authoring/new/write.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import { ROOT, textOf } from '../docs/markdown.ts';
import { copyProject } from './project-copy.ts';

const project = copyProject('docproc');
const PRETTIER = 'node_modules/prettier';
symlinkSync(join(ROOT, PRETTIER), join(project.folder, PRETTIER));
for (const name of ['.prettierrc.json', '.prettierignore']) copyFileSync(join(ROOT, name), join(project.folder, name));
const templates = await readTemplates(join(ROOT, 'templates/integration'));
const rendered = (service: string, proposal: Proposal): ReadonlyMap<string, string> =>
  renderIntegration(
    templates,
    { service, objective: undefined, owner: 'team', qps: 5, costUsd: 0.01, startedOn: '2026-11-25' },
    proposal,
  );
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
        'tests/contract/proof.temporal.test.ts',
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
    expect(parse(written('acme', 'sandbox.yaml'))).toMatchObject({
      shape: {
        name: 'acme',
        auth: { kind: 'bearer' },
        webhooks: { scheme: { kind: 'standard' }, events: { completed: 'job.completed', canceled: 'job.canceled' } },
      },
    });
    expect(parse(written('acme', 'config.example.yaml'))).toMatchObject({
      webhook: { secrets: ['env:ACME_WEBHOOK_SECRET'], token_secret: 'env:ACME_CALLBACK_SECRET' },
    });
    const checked = await playbook(['check', 'acme', '--ready', '--project', project.folder]);
    expect(checked.code).toBe(1);
    expect(checked.out).toContain('still holds ‹do what›: replace it');
  });

  it('lays everything out as the project does that it writes into', () => {
    const args = [join(ROOT, PRETTIER, 'bin/prettier.cjs'), '--check', 'integrations/acme', 'integrations/paperwork'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: project.folder, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('leaves to the build what does not parse, and everything where the project has no prettier', async () => {
    const files = new Map([
      ['a.ts', 'const a = "a"'],
      ['b.ts', 'const = "b"'],
    ]);
    expect([...(await formatFiles(project.folder, project.folder, files)).values()]).toEqual([
      "const a = 'a';\n",
      'const = "b"',
    ]);
    expect(await formatFiles('/', '/', files)).toBe(files);
  });

  it('writes into a project only', async () => {
    const { code, err } = await playbook(['new', 'acme', '--project', '/gone']);
    expect({ code, err }).toEqual({
      code: 2,
      err: 'BAD_USAGE: --project must be the folder of a project, with its package.json (got /gone). See `playbook new --help`.\n',
    });
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

  const jobs = (schema: object, more: object = {}) => ({
    '/jobs': { post: { ...body({ request_id: { type: 'string' } }), ...answer(schema) }, ...more },
    '/jobs/{id}': { get: answer(schema) },
  });
  const plain = { type: 'object', properties: { id: { type: 'string' }, status: { type: 'string' } } };

  it('that gives tokens for no scope, from another host, asks for none', () => {
    const clientCredentials = { tokenUrl: 'https://login.example.com/token', scopes: {} };
    const text = document(jobs(plain), {
      components: { securitySchemes: { sign_in: { type: 'oauth2', flows: { clientCredentials } } } },
    });
    const proposal = proposalFromOpenApi('tokens', text, 'x');
    expect(proposal.auth).toEqual({
      type: 'oauth_client_credentials',
      tokenPath: 'https://login.example.com/token',
      scopes: [],
    });
    expect(proposal.guesses.join('\n')).toContain('with every scope the document names: none.');
    const files = rendered('tokens', proposal);
    expect(files.get('config.example.yaml')).toContain(
      '  token_url: https://login.example.com/token\n  scopes: []\n  client_id: env:TOKENS_CLIENT_ID\n',
    );
    expect(files.get('sandbox.yaml')).toContain('tokenPath: /token\n');
  });

  it.each([
    ['application/x-scan', 'bin'],
    ['text/csv', 'csv'],
    ['text/plain', 'txt'],
  ])('that takes files of %s is tried with one called .%s', (type, extension) => {
    const upload = { '/files/{sha256}': { put: { requestBody: { content: { [type]: {} } } } } };
    const submit = { ...body({ file: { type: 'string' } }), ...answer(plain) };
    const paths = { '/jobs': { post: submit }, '/jobs/{id}': { get: answer(plain) }, ...upload };
    const files = rendered('files', proposalFromOpenApi('files', document(paths), 'x'));
    expect(files.get('src/samples.ts')).toContain(`valid: (nth) => ({ file: \`sample-\${nth}.${extension}\`,`);
  });

  const told = (payload: object, properties: object = { callback_url: { type: 'string' } }) => {
    const content = { 'application/json': { schema: { type: 'object', properties: payload } } };
    const callbacks = { ended: { '{$request.body#/callback_url}': { post: { requestBody: { content } } } } };
    const post = { ...body({ request_id: { type: 'string' }, ...properties }), ...answer(plain), callbacks };
    const paths = { '/jobs': { post }, '/jobs/{id}': { get: answer(plain) } };
    const { webhook, guesses } = proposalFromOpenApi('hooks', document(paths), 'x');
    return { webhook, guesses: guesses.join('\n') };
  };

  it('that says what its webhooks hold has them proposed so', () => {
    expect(told({ kind: { const: 'scan:Done' }, scan: plain }).webhook).toEqual({
      type: 'kind',
      data: 'scan',
      events: { 'scan:Done': 'COMPLETED' },
    });
  });

  it.each([
    ['names no end', { kind: { enum: ['made'] }, scan: plain }],
    ['holds no job', { kind: { enum: ['done'] }, id: { type: 'string' } }],
  ])('whose webhook %s has the usual ones proposed', (_name, payload) => {
    const { webhook, guesses } = told(payload);
    expect(webhook).toMatchObject({ type: 'type', data: 'data', events: { 'job.completed': 'COMPLETED' } });
    expect(guesses).toContain('they are proposed as named in `type`: job.completed,');
  });

  it('with webhooks whose URL no submit takes has none proposed, and says so', () => {
    expect(told({ kind: { enum: ['done'] }, scan: plain }, {}).guesses).toContain(
      'Webhooks are documented, but no field of a submit takes their URL: jobs are polled.',
    );
  });

  it('that names no authentication is configured without, and without a title is called as the service', () => {
    const proposal = proposalFromOpenApi('open', document(jobs(plain), { info: {} }), 'x');
    expect(proposal).toMatchObject({ title: 'open', contractVersion: '1.0.0', apiVersion: 'v1' });
    expect(rendered('open', proposal).get('config.example.yaml')).toContain('auth:\n  type: none\n');
  });

  it('whose words name no end is completed in the documents and the sandbox with the usual ones', () => {
    const schema = { type: 'object', properties: { id: { type: 'string' }, status: { enum: ['made', 'gone'] } } };
    const proposal = proposalFromOpenApi('endless', document(jobs(schema)), 'x');
    expect(proposal.words).toEqual({ made: 'PROCESSING', gone: 'PROCESSING' });
    const files = rendered('endless', proposal);
    expect(files.get('diagrams/state-and-sequence.md')).toContain('D-->>W: COMPLETED, result');
    expect(parse(files.get('sandbox.yaml') ?? '')).toMatchObject({
      shape: {
        states: { queued: 'made', processing: 'gone', completed: 'COMPLETED', failed: 'FAILED', canceled: 'CANCELED' },
      },
    });
  });

  it.each([
    ['without a size of page', ['cursor'], { jobs: { type: 'array' }, next: {} }],
    ['with a cursor and no field for the next', ['cursor', 'limit'], { jobs: { type: 'array' } }],
    ['with nothing to say where to go on', ['limit'], { jobs: { type: 'array' } }],
    ['without a field that holds jobs', ['offset', 'limit'], { jobs: { type: 'object' } }],
  ])('has a list %s left out', (_name, names, properties) => {
    const parameters = names.map((name) => ({ name, in: 'query' }));
    const get = { parameters, ...answer({ type: 'object', properties }) };
    expect(proposalFromOpenApi('unlisted', document(jobs(plain, { get })), 'x').list).toBeUndefined();
  });

  it('has schemas that hold themselves cut where they come back, and references that lead nowhere taken as anything', () => {
    const node = { $ref: '#/components/schemas/Node' };
    const text = document(jobs({ ...plain, properties: { ...plain.properties, result: node } }), {
      components: {
        schemas: {
          Node: {
            type: 'object',
            properties: { left: node, right: node, next: { type: 'array', items: node }, odd: { $ref: '#/a' } },
          },
        },
      },
      a: { $ref: '#/b' },
      b: { $ref: '#/a' },
    });
    const proposal = proposalFromOpenApi('nodes', text, 'x');
    expect(proposal.job.body.properties?.['result']).toEqual({
      type: 'object',
      properties: { left: {}, right: {}, next: { type: 'array', items: {} }, odd: {} },
    });
  });

  it.each([
    ['without an id', { type: 'object', properties: { status: { type: 'string' } } }],
    ['without a status', { type: 'object', properties: { id: { type: 'string' } } }],
  ])('whose answer is %s has no job', (_name, schema) => {
    expect(() => proposalFromOpenApi('other', document(jobs(schema)), 'x')).toThrow(
      'a GET of one thing by id whose answer holds its id and a status',
    );
  });

  it.each([
    ['a: [', 'x is neither YAML nor JSON'],
    ['swagger: "2.0"', 'x is no OpenAPI 3 document'],
    [document({ '/a': { get: {} } }), 'x has no call that looks like a job'],
    [document({ '/a/{id}': { get: answer(job) } }), 'x has no call that looks like a job'],
    ['openapi: 3.1.0', 'x is no OpenAPI 3 document'],
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
    expect(zodSource({ const: 'done' }, 'answer')).toBe('z.string()');
    expect(zodSource({ const: 'done' }, 'input')).toBe("z.literal('done')");
    expect(zodSource({ enum: ['a', 1] }, 'input')).toBe('z.any()');
    expect(zodSource({ type: 'array' }, 'input')).toBe('z.array(z.any())');
    expect(zodSource({ properties: { a: {} } }, 'answer')).toBe('z.object({\n  a: z.unknown().optional(),\n})');
    expect(zodSource({ type: 'null' }, 'answer')).toBe('z.unknown().nullable()');
    expect(zodSource({ type: ['string', 'integer'] }, 'input')).toBe('z.any()');
    expect(zodSource({ anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] }, 'answer')).toBe(
      'z.unknown().nullable()',
    );
    expect(literal({ a: {}, b: null })).toBe('{ a: {}, b: null }');
    expect(literal({ 'a-b': [1, "it's"] })).toBe("{ 'a-b': [1, 'it\\'s'] }");
    expect(textOf('templates/integration/README.md.tmpl')).toContain('{{service}}');
  });

  it.each([
    [{ default: 3, example: 4 }, 3],
    [{ example: 4, const: 5 }, 4],
    [{ const: 5 }, 5],
    [{ enum: ['a', 'b'] }, 'a'],
    [{ type: 'integer', minimum: 7 }, 7],
    [{ type: 'number' }, 1],
    [{ type: 'boolean' }, true],
    [{ type: 'array' }, []],
    [{ type: 'array', items: { type: 'string' } }, ['sample']],
    [{ required: ['a'], properties: { a: {}, b: {} } }, { a: 'sample' }],
    [{ type: 'null' }, 'sample'],
    [{ oneOf: [{ type: 'null' }, { type: 'boolean' }] }, true],
  ])('has a sample of %j', (schema, sample) => {
    expect(sampleOf(schema)).toEqual(sample);
  });

  it('names what may be personal wherever it stands', () => {
    const person = { type: 'object', properties: { name: { type: 'string' }, name_kind: { type: 'string' } } };
    const properties = { owner: person, readers: { type: 'array', items: person }, text: { type: 'integer' } };
    expect(personalFields({ type: 'object', properties })).toEqual(['owner.name', 'readers.*.name']);
  });
});
