import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { JobHandle, PlaybookClient } from '../../../../src/client/index.ts';
import type { FileRef } from '../../../../src/contracts/index.ts';
import { classifiedPaths } from '../../../../src/definition/index.ts';
import { arrows, codeBlocks, textOf } from '../../../../test/docs/markdown.ts';
import { createDocproc } from '../../src/client.ts';
import { STATES } from '../../src/constants.ts';
import { documentFromFile } from '../../src/document.ts';
import { integration } from '../../src/index.ts';
import { jobDto } from '../../src/models.ts';

const SHA256 = 'ab'.repeat(32);
const file = (more: Partial<FileRef> = {}): FileRef => ({
  uri: 'file:///letters/r%C3%A9sum%C3%A9.pdf',
  sha256: SHA256,
  bytes: 3,
  contentType: 'application/pdf',
  ...more,
});

const job = {
  id: 'job_1',
  status: 'COMPLETED',
  reference: 'key~1',
  input: `sha256:${SHA256}`,
  options: { format: 'text' },
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:01.000Z',
  cost_micros: 10_000,
  result: {
    artifact_id: 'art_1',
    artifact_url: '/v3/artifacts/art_1',
    content_type: 'text/plain; charset=utf-8',
    sha256: SHA256,
    bytes: 2,
    pages: 1,
    characters: 2,
    text: 'hi',
  },
  error: null,
};

describe('a file for docproc', () => {
  it('becomes a job for its text', () => {
    expect(integration.fromFile?.(file())).toEqual({ document: file(), options: { format: 'text' } });
  });

  it.each([
    [
      file({ uri: 'file:///letters/r%C3%A9sum%C3%A9.docx', contentType: 'application/msword' }),
      'UNSUPPORTED_MEDIA_TYPE',
      'docproc reads PDF (.pdf), plain text (.txt) and Markdown (.md); résumé.docx is application/msword. Convert it first; nothing was sent.',
    ],
    [
      file({ uri: 'https://example.com/private?token=1', contentType: 'image/png' }),
      'UNSUPPORTED_MEDIA_TYPE',
      'docproc reads PDF (.pdf), plain text (.txt) and Markdown (.md); this document is image/png. Convert it first; nothing was sent.',
    ],
    [
      file({ sha256: 'abc', bytes: -1 }),
      'INVALID_INPUT',
      expect.stringMatching(/^The reference to a document is not valid\. sha256: .*; bytes: /),
    ],
  ])('is refused with one clear error where docproc would not take it (%#)', (given, code, message) => {
    expect(() => integration.fromFile?.(given)).toThrow(
      expect.objectContaining({ name: 'PlaybookError', code, message }),
    );
  });

  it('is referred to by path, hash and kind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'docproc-'));
    try {
      const path = join(folder, 'Notes.MD');
      await writeFile(path, 'abc');
      expect(await documentFromFile(path)).toEqual({
        uri: pathToFileURL(path).href,
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
        bytes: 3,
        contentType: 'text/markdown',
      });
      const gone = join(folder, 'gone.pdf');
      await expect(documentFromFile(gone)).rejects.toMatchObject({
        code: 'FILE_NOT_FOUND',
        message: `${gone} cannot be read (ENOENT). Check the path; nothing was sent.`,
      });
      await expect(documentFromFile(join(folder, 'table.xlsx'))).rejects.toMatchObject({
        code: 'UNSUPPORTED_MEDIA_TYPE',
        message: expect.stringContaining('table.xlsx is .xlsx'),
      });
      await expect(documentFromFile(join(folder, 'README'))).rejects.toMatchObject({
        message: expect.stringContaining('README is without extension'),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

const read = (body: object) => integration.status.read(jobDto.parse(body), { externalId: 'job_1' });
const readEvent = (type: string, data: object = {}) =>
  integration.webhook?.read({ type, timestamp: job.updated_at, data: { ...job, ...data } });

describe('what docproc says', () => {
  it('is read into the playbook’s terms', () => {
    expect(read(job)).toEqual({
      externalId: 'job_1',
      word: 'COMPLETED',
      reference: 'key~1',
      costMicros: 10_000,
      result: {
        artifactId: 'art_1',
        artifactUrl: '/v3/artifacts/art_1',
        contentType: 'text/plain; charset=utf-8',
        sha256: SHA256,
        bytes: 2,
        pages: 1,
        characters: 2,
        text: 'hi',
      },
    });
    expect(read({ ...job, status: 'FAILED', result: null, error: { code: 'EMPTY_FILE', message: 'empty' } })).toEqual({
      externalId: 'job_1',
      word: 'FAILED',
      reference: 'key~1',
      costMicros: 10_000,
      error: { code: 'EMPTY_FILE', message: 'empty' },
    });
  });

  it('in a list and a lookup is a page of jobs', () => {
    const page = { data: [job], has_more: true, next_cursor: 'c2' };
    expect(integration.list?.read(page, { limit: 1 })).toMatchObject({ jobs: [{ externalId: 'job_1' }], next: 'c2' });
    expect(integration.list?.read({ ...page, next_cursor: null }, { limit: 1 })).not.toHaveProperty('next');
    expect(integration.list?.request({ limit: 5, cursor: 'c' }).query).toEqual({ limit: 5, cursor: 'c' });
    expect(integration.lookup?.read(page, { reference: 'key~1' })).toMatchObject({ externalId: 'job_1' });
    expect(integration.lookup?.read({ ...page, data: [] }, { reference: 'key~1' })).toBeUndefined();
    expect(integration.lookup?.request({ reference: 'key~1' }).query).toEqual({ reference: 'key~1', limit: 1 });
  });

  it('in a webhook is a hint; an event it does not know is none', () => {
    expect(readEvent('job.completed')).toEqual({ state: 'COMPLETED', externalId: 'job_1', reference: 'key~1' });
    expect(readEvent('job.failed', { reference: null })).toEqual({ state: 'FAILED', externalId: 'job_1' });
    expect(readEvent('job.archived')).toMatchObject({ state: undefined });
    expect(readEvent('toString')).toMatchObject({ state: undefined });
  });

  it('in an error body is its own code and message, and anything else is nothing', () => {
    expect(integration.readError?.({ error: { code: 'VALIDATION', message: 'no' } })).toEqual({
      code: 'VALIDATION',
      message: 'no',
    });
    expect(integration.readError?.('<html>')).toBeUndefined();
  });
});

describe('personal data', () => {
  it('is marked wherever a document’s text may be', () => {
    expect(classifiedPaths(integration.result).map(({ path, dataClass }) => [path.join('.'), dataClass])).toEqual([
      ['text', 'pii'],
      ['pageTexts', 'pii'],
    ]);
    const remote = classifiedPaths(integration.status.response).map(({ path }) => path.join('.'));
    expect(remote).toEqual(['result.text', 'result.page_texts']);
  });
});

describe('the façade', () => {
  it('starts and finds jobs of docproc under the caller’s key', async () => {
    const handle = { key: 'k', result: async (options: object) => options } as unknown as JobHandle<never>;
    const started: unknown[] = [];
    const playbook = {
      start: async (...args: unknown[]) => (started.push(args), handle),
      job: (...args: unknown[]) => (started.push(args), handle),
    } as unknown as PlaybookClient;
    const docproc = createDocproc(playbook);
    await docproc.startExtraction(file(), { key: 'a', unit: 'tenant', tags: { team: 't' }, format: 'json' });
    expect(await docproc.extractText(file(), { key: 'b' })).toEqual({});
    expect(await docproc.extractText(file(), { key: 'c', maxWaitMs: 5 })).toEqual({ maxWaitMs: 5 });
    docproc.extraction('d');
    const input = (format: string) => ({ document: file(), options: { format } });
    expect(started).toEqual([
      [integration, input('json'), { key: 'a', unit: 'tenant', tags: { team: 't' } }],
      [integration, input('text'), { key: 'b' }],
      [integration, input('text'), { key: 'c' }],
      [integration, 'd'],
    ]);
  });

  it('says SEMANTICS, CONTRACT, IDEMPOTENCY and COST of each of its methods', async () => {
    const source = await readFile(new URL('../../src/client.ts', import.meta.url), 'utf8');
    const methods = Object.keys(createDocproc({} as PlaybookClient));
    expect(methods.length).toBeGreaterThan(0);
    for (const method of methods) {
      const doc = new RegExp(String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\s+readonly ${method}: `).exec(source)?.[1] ?? '';
      const said = ['SEMANTICS', 'CONTRACT', 'IDEMPOTENCY', 'COST'].filter((word) => doc.includes(`* ${word}: `));
      expect([method, said]).toEqual([method, ['SEMANTICS', 'CONTRACT', 'IDEMPOTENCY', 'COST']]);
    }
  });
});

describe('diagrams/state-and-sequence.md', () => {
  it('shows what each of docproc’s words means to us', () => {
    const words = Object.entries(STATES).map(([word, state]) => `docproc_${word} --> ${state}`);
    const [diagram = ''] = codeBlocks(textOf('integrations/docproc/diagrams/state-and-sequence.md'), 'mermaid').filter(
      (code) => code.startsWith('flowchart'),
    );
    expect(arrows(diagram)).toEqual(new Set(words));
  });
});
