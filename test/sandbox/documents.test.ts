import { describe, expect, it } from '@jest/globals';
import { renderResult } from '../../src/sandbox/extraction/render-result.ts';
import { sha256, start } from './support/api.ts';
import { makePdf, makeUnicodePdf } from './support/pdfs.ts';

const PDF = 'application/pdf';

const failure = (code: string): unknown => expect.objectContaining({ code, message: expect.any(String) });

describe('what a document comes out as', () => {
  it('reads a PDF page by page, in every format', async () => {
    const api = await start();
    const pdf = await makePdf(['Größe: 5 €', 'second page', 'third']);
    const [text, markdown, json] = await Promise.all([
      api.process(pdf, PDF, 'text'),
      api.process(pdf, PDF, 'markdown'),
      api.process(pdf, PDF, 'json'),
    ]);
    expect(text['result']).toMatchObject({
      pages: 3,
      characters: 26,
      content_type: 'text/plain; charset=utf-8',
      text: 'Größe: 5 €\n\nsecond page\n\nthird',
    });
    expect(markdown['result']).toMatchObject({
      content_type: 'text/markdown; charset=utf-8',
      text: '## Page 1\n\nGröße: 5 €\n\n## Page 2\n\nsecond page\n\n## Page 3\n\nthird\n',
    });
    expect(json['result']).toMatchObject({
      content_type: 'application/json',
      page_texts: ['Größe: 5 €', 'second page', 'third'],
    });
  });

  it('reads text beyond Latin-1 out of a PDF, counted in code points', async () => {
    const api = await start();
    const job = await api.process(makeUnicodePdf('Zażółć gęślą jaźń 東京 Ελλάδα 😀'), PDF);
    expect(job['result']).toMatchObject({ pages: 1, characters: 29, text: 'Zażółć gęślą jaźń 東京 Ελλάδα 😀' });
  });

  it('passes text and Markdown through unchanged', async () => {
    const api = await start();
    const markdown = '# Título\n\n- ünïcode\n';
    expect((await api.process(Buffer.from(markdown), 'text/markdown', 'markdown'))['result']).toMatchObject({
      text: markdown,
      sha256: sha256(Buffer.from(markdown)),
      bytes: Buffer.byteLength(markdown),
      pages: 1,
    });
    expect((await api.process(Buffer.from('plain'), 'text/plain; charset="UTF-8"', 'json'))['result']).toMatchObject({
      page_texts: ['plain'],
    });
  });

  it.each([
    ['a byte order mark, dropped', Buffer.from('\uFEFFmärk', 'utf8'), 'text/plain', 'märk'],
    ['UTF-16 with its mark', Buffer.from('\uFEFFmärk', 'utf16le'), 'text/plain', 'märk'],
    ['big-endian UTF-16 with its mark', Buffer.from('\uFEFFmärk', 'utf16le').swap16(), 'text/plain', 'märk'],
    ['a declared charset', Buffer.from('märk', 'latin1'), 'text/plain; charset=iso-8859-1', 'märk'],
  ])('decodes %s', async (_name, bytes, type, text) => {
    const api = await start();
    expect((await api.process(bytes, type))['result']).toMatchObject({ text });
  });

  it('fails what it cannot read with one code each, and does not hold up the good ones', async () => {
    const api = await start();
    const good = await makePdf(['still here']);
    const [encrypted, truncated, nonsense, mislabelled, emptyPdf, emptyText, mojibake, fine] = await Promise.all([
      api.process(await makePdf(['secret'], { userPassword: 'user', ownerPassword: 'owner' }), PDF),
      api.process(good.subarray(0, good.length - 300), PDF),
      api.process(Buffer.from('%PDF-1.4\nnonsense\n%%EOF'), PDF),
      api.process(Buffer.from('<html>not a pdf</html>'), PDF),
      api.process(Buffer.alloc(0), PDF),
      api.process(Buffer.alloc(0), 'text/plain'),
      api.process(Buffer.from([0x66, 0xfc, 0x72]), 'text/plain; charset=utf-8'),
      api.process(good, PDF),
    ]);
    for (const [job, code] of [
      [encrypted, 'ENCRYPTED_PDF'],
      [truncated, 'CORRUPT_PDF'],
      [nonsense, 'CORRUPT_PDF'],
      [mislabelled, 'CORRUPT_PDF'],
      [mojibake, 'INVALID_TEXT_ENCODING'],
    ] as const) {
      expect(job).toMatchObject({ status: 'FAILED', result: null, error: failure(code) });
    }
    // The same empty content under two media types: the last upload says what it is.
    expect(emptyPdf).toMatchObject({ status: 'FAILED', error: failure('EMPTY_FILE') });
    expect(emptyText).toMatchObject({ status: 'FAILED', error: failure('EMPTY_FILE') });
    expect(fine).toMatchObject({ status: 'COMPLETED', error: null, result: { text: 'still here' } });
  });

  it('opens a PDF that only restricts its owner', async () => {
    const api = await start();
    const job = await api.process(await makePdf(['open'], { ownerPassword: 'owner' }), PDF);
    expect(job['result']).toMatchObject({ text: 'open' });
  });

  it('takes a PDF of 20 MB', async () => {
    const api = await start();
    const job = await api.process(makeUnicodePdf('large but short', 20 * 1_024 * 1_024), PDF);
    expect(job['result']).toMatchObject({ text: 'large but short', pages: 1 });
  });

  it('gives a large result by reference only, and the artifact with its hash', async () => {
    const api = await start();
    const text = 'ä'.repeat(20_000);
    const job = await api.process(Buffer.from(text));
    expect(job['result']).toMatchObject({ bytes: 40_000, characters: 20_000 });
    expect(job['result']).not.toHaveProperty('text');
    const { artifact_url: url, sha256: hash } = job['result'] as { artifact_url: string; sha256: string };
    const artifact = await api.call('GET', url);
    expect(artifact.text).toBe(text);
    expect(artifact.headers.get('x-content-sha256')).toBe(hash);
    expect(sha256(Buffer.from(artifact.text))).toBe(hash);
    expect(artifact.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });
});

describe('renderResult', () => {
  it('counts code points of the pages only', () => {
    expect(renderResult(['a😀', '\uD83D'], 'text').characters).toBe(3);
    expect(renderResult([], 'markdown')).toMatchObject({ characters: 0, bytes: Buffer.from('') });
  });
});
