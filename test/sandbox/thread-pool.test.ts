import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { extractPdf } from '../../src/sandbox/extraction/extract-pdf.ts';
import { createExtractor } from '../../src/sandbox/extraction/extractor.ts';
import type { Extractor } from '../../src/sandbox/extraction/extractor.ts';
import { silentLogger } from '../../src/sandbox/logger.ts';
import { makePdf } from './support/pdfs.ts';

/** Does what the document's first byte says: crash, hang, leave, or answer how often this thread has been asked. */
const script = `
import { parentPort } from 'node:worker_threads';
let asked = 0;
parentPort.on('message', (bytes) => {
  asked += 1;
  const wish = String.fromCharCode(bytes[0]);
  if (wish === 'c') throw new Error('crash');
  if (wish === 'x') process.exit(0);
  if (wish === 'h') for (;;);
  parentPort.postMessage({ ok: true, pages: [String(asked)] });
});
`;

const media = { type: 'application/pdf', charset: 'utf-8' } as const;
let folder = '';
let extractor: Extractor | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-thread-'));
  await writeFile(join(folder, 'wish.mjs'), script);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => extractor?.close());

const startExtractor = (threads: number, timeoutMs = 10_000): Extractor => {
  extractor = createExtractor({
    threads,
    timeoutMs,
    logger: silentLogger,
    script: pathToFileURL(join(folder, 'wish.mjs')),
  });
  return extractor;
};

let documents = 0;
const wish = (what: string): ReturnType<Extractor['extract']> => {
  documents += 1;
  const bytes = Buffer.from(what);
  return (extractor as Extractor).extract(`document ${documents}`, media, () => Promise.resolve(bytes));
};

describe('the extraction threads', () => {
  it('lose only the document whose reading crashes the thread', async () => {
    startExtractor(1);
    const [first, crash, leave, last] = await Promise.all([wish('a'), wish('c'), wish('x'), wish('a')]);
    expect(first).toEqual({ ok: true, pages: ['1'] });
    expect(crash).toMatchObject({ ok: false, code: 'EXTRACTION_CRASHED' });
    expect(leave).toMatchObject({ ok: false, code: 'EXTRACTION_CRASHED' });
    expect(last).toEqual({ ok: true, pages: ['1'] });
  });

  it('give up a document that takes too long, and go on', async () => {
    startExtractor(1, 2_000);
    const [hang, next] = await Promise.all([wish('h'), wish('a')]);
    expect(hang).toEqual({ ok: false, code: 'EXTRACTION_TIMEOUT', message: 'Reading took longer than 2000 ms.' });
    expect(next).toMatchObject({ ok: true });
  });

  it('read a content once, but try again what crashed', async () => {
    const { extract } = startExtractor(1);
    const ask = (what: string): ReturnType<Extractor['extract']> =>
      extract(what, media, () => Promise.resolve(Buffer.from(what)));
    expect(await Promise.all([ask('same'), ask('same')])).toEqual([
      { ok: true, pages: ['1'] },
      { ok: true, pages: ['1'] },
    ]);
    expect(await ask('same')).toEqual({ ok: true, pages: ['1'] });
    expect(await ask('crash')).toMatchObject({ ok: false });
    await expect(extract('crash', media, () => Promise.reject(new Error('asked again')))).rejects.toThrow(
      'asked again',
    );
  });

  it('forget the oldest of many contents', async () => {
    const { extract } = startExtractor(1);
    const ask = (index: number): ReturnType<Extractor['extract']> =>
      extract(`content ${index}`, media, () => Promise.resolve(Buffer.from('a')));
    const first = await ask(0);
    await Promise.all(Array.from({ length: 64 }, (_, index) => ask(index + 1)));
    expect(await ask(0)).not.toEqual(first);
  });

  it('leave what they were reading unanswered when closed', async () => {
    const { close } = startExtractor(1);
    const answered: unknown[] = [];
    void wish('h').then((extraction) => answered.push(extraction));
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    await close();
    expect(answered).toEqual([]);
  });
});

describe('extractPdf', () => {
  it('works without a thread as well', async () => {
    expect(await extractPdf(new Uint8Array(await makePdf(['a', 'b'])))).toEqual({ ok: true, pages: ['a', 'b'] });
  });

  it.each([
    ['', 'The file does not start like a PDF.'],
    ['%PDF-1.7 and no more', 'The PDF is truncated: its end mark is missing.'],
    ['%PDF-1.7\nnothing\n%%EOF', 'The PDF cannot be read.'],
  ])('refuses %j', async (text, message) => {
    expect(await extractPdf(new Uint8Array(Buffer.from(text)))).toEqual({ ok: false, code: 'CORRUPT_PDF', message });
  });

  it('says that a PDF is encrypted', async () => {
    const locked = await makePdf(['a'], { userPassword: 'u', ownerPassword: 'o' });
    expect(await extractPdf(new Uint8Array(locked))).toMatchObject({ ok: false, code: 'ENCRYPTED_PDF' });
  });
});
