import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { startStack, type Stack } from '../../../../test/helpers/stack.ts';
import { unique } from '../../../../test/helpers/temporal.ts';
import { createDocproc, type Docproc } from '../../src/client.ts';

describe('docproc, asked by a service', () => {
  let stack: Stack;
  let docproc: Docproc;
  beforeAll(async () => {
    stack = await startStack();
    docproc = createDocproc(stack.playbook);
  });
  afterAll(() => stack.close());

  const written = async (name: string, content: string): Promise<string> =>
    fileURLToPath((await stack.document(name, content)).document.uri);
  const accepted = (since: number) =>
    stack.sandbox.requests({ method: 'POST', accepted: true }).filter(({ seq }) => seq > since);
  const lastSeq = (): number => stack.sandbox.requests().at(-1)?.seq ?? 0;

  it('H1: a valid document is COMPLETED with its text, found at docproc by one accepted POST', async () => {
    const before = lastSeq();
    const answer = await docproc.extractText(await written('letter.md', '# Grüße\n\nan Zoë 🙂'), { key: unique('h1') });
    expect(answer).toMatchObject({
      state: 'COMPLETED',
      error: null,
      costMicros: 10_000,
      webhooks: 1,
      result: { text: '# Grüße\n\nan Zoë 🙂', pages: 1, characters: 17, contentType: 'text/plain; charset=utf-8' },
    });
    expect(accepted(before)).toHaveLength(1);
  });

  it('gives the same job for the same key and document, and refuses the key for another', async () => {
    const before = lastSeq();
    const key = unique('same');
    const path = await written('a.txt', 'one');
    const [first, again] = await Promise.all([docproc.extractText(path, { key }), docproc.extractText(path, { key })]);
    expect(again).toEqual(first);
    expect(await docproc.extractText(path, { key })).toEqual(first);
    expect(accepted(before)).toHaveLength(1);
    await expect(docproc.extractText(path, { key, format: 'json' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    await writeFile(path, 'two');
    await expect(docproc.startExtraction(path, { key })).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('gives text a page where JSON is asked for, and a Markdown result as Markdown', async () => {
    const path = await written('b.txt', 'plain');
    const json = await docproc.extractText(path, { key: unique('json'), format: 'json' });
    expect(json).toMatchObject({ result: { pageTexts: ['plain'], contentType: 'application/json' } });
    expect(json).not.toHaveProperty('result.text');
    const markdown = await docproc.extractText(path, { key: unique('md'), format: 'markdown' });
    expect(markdown).toMatchObject({ result: { text: 'plain', contentType: 'text/markdown; charset=utf-8' } });
  });

  it('gives a result above 32 KiB as a reference to the artifact only', async () => {
    const text = 'x'.repeat(32 * 1024 + 1);
    const answer = await docproc.extractText(await written('long.txt', text), { key: unique('long') });
    expect(answer).toMatchObject({ state: 'COMPLETED', result: { bytes: text.length, characters: text.length } });
    expect(answer).not.toHaveProperty('result.text');
  });

  it('answers PENDING when the caller will not wait, and the job goes on to its end', async () => {
    const key = unique('pending');
    const path = await written('c.txt', 'later');
    const answer = await docproc.extractText(path, { key, maxWaitMs: 1 });
    expect(answer).toMatchObject({ state: 'PENDING', key });
    expect(await docproc.extraction(key).result()).toMatchObject({ state: 'COMPLETED', result: { text: 'later' } });
  });
});

describe('docproc, taking its time', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ sandbox: { processing: { minMs: 60_000, maxMs: 60_000 } } });
  });
  afterAll(() => stack.close());

  it('is told when a job is canceled, and a retry of it is a new job there', async () => {
    const docproc = createDocproc(stack.playbook);
    const { document } = await stack.document('d.txt', 'never');
    const key = unique('cancel');
    const job = await docproc.startExtraction(document, { key });
    const { externalId } = await job.waitUntilAccepted();
    await job.cancel();
    expect(await job.result()).toMatchObject({ state: 'CANCELED', error: { code: 'CANCELED' } });
    const canceled = stack.sandbox.requests({ method: 'POST' }).filter(({ path }) => path.endsWith('/cancel'));
    expect(canceled.map(({ path, status }) => [path, status])).toEqual([[`/v3/jobs/${externalId}/cancel`, 200]]);
    await docproc.extraction(key).retry();
    const second = await docproc.extraction(key).waitUntilAccepted();
    expect(second.externalId).not.toBe(externalId);
    const keys = stack.sandbox.requests({ method: 'POST', accepted: true }).map((request) => request.key);
    expect(new Set(keys).size).toBe(2);
  });
});
