import { getDocumentProxy } from 'unpdf';
import type { Extraction } from './document.ts';

const END_MARK = '%%EOF';
/** Where a reader looks for the end mark; Acrobat uses the last 1,024 bytes. */
const END_SEARCH_BYTES = 2_048;

const corrupt = (message: string): Extraction => ({ ok: false, code: 'CORRUPT_PDF', message });

/**
 * Reads a PDF's text page by page.
 *
 * A file without its end mark is refused although pdf.js could rebuild some of it: half a document's text that
 * looks like all of it is worse than an error.
 */
export async function extractPdf(bytes: Uint8Array): Promise<Extraction> {
  const tail = Buffer.from(bytes.subarray(-END_SEARCH_BYTES)).toString('latin1');
  if (!Buffer.from(bytes.subarray(0, 1_024)).toString('latin1').includes('%PDF-')) {
    return corrupt('The file does not start like a PDF.');
  }
  if (!tail.includes(END_MARK)) return corrupt('The PDF is truncated: its end mark is missing.');
  try {
    const document = await getDocumentProxy(bytes, { verbosity: 0 });
    try {
      const pages: string[] = [];
      for (let number = 1; number <= document.numPages; number += 1) {
        const page = await document.getPage(number);
        const content = await page.getTextContent();
        pages.push(content.items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join(''));
        page.cleanup();
      }
      return { ok: true, pages };
    } finally {
      await document.destroy();
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'PasswordException') {
      return { ok: false, code: 'ENCRYPTED_PDF', message: 'The PDF is protected by a password.' };
    }
    return corrupt('The PDF cannot be read.');
  }
}
