import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '../../../../test/helpers/stack.ts';
import { unique } from '../../../../test/helpers/temporal.ts';
import { makePdf, makeUnicodePdf } from '../../../../test/sandbox/support/pdfs.ts';
import { createDocproc } from '../../src/client.ts';

const TWENTY_MB = 20 * 1024 * 1024;
const UNICODE = 'Příliš žluťoučký kůň 日本語 Ελληνικά';

/** What comes of a document: its text, or what the one error says. */
type Expected = { readonly text: string; readonly pages: number } | { readonly message: string };

const DOCUMENTS: readonly {
  readonly name: string;
  readonly make: () => Promise<Uint8Array> | Uint8Array;
  readonly expected: Expected;
}[] = [
  {
    name: 'several pages',
    make: () => makePdf(['The first page', 'The second page', 'The third page']),
    expected: { text: 'The first page\n\nThe second page\n\nThe third page', pages: 3 },
  },
  { name: 'non-ASCII text', make: () => makeUnicodePdf(UNICODE), expected: { text: UNICODE, pages: 1 } },
  {
    name: '20 MB',
    make: () => makeUnicodePdf('A needle in twenty megabytes', TWENTY_MB),
    expected: { text: 'A needle in twenty megabytes', pages: 1 },
  },
  {
    name: 'encrypted with a password to open it',
    make: () => makePdf(['secret'], { userPassword: 'open', ownerPassword: 'own' }),
    expected: { message: 'docproc reports ENCRYPTED_PDF: The PDF is protected by a password.' },
  },
  {
    name: 'truncated',
    make: async () => (await makePdf(['cut off in the middle', 'and never seen'])).subarray(0, 900),
    expected: { message: 'docproc reports CORRUPT_PDF: The PDF is truncated: its end mark is missing.' },
  },
  {
    name: 'no PDF at all',
    make: () => Buffer.from('only its name says so'),
    expected: { message: 'docproc reports CORRUPT_PDF: The file does not start like a PDF.' },
  },
  {
    name: 'empty',
    make: () => new Uint8Array(),
    expected: { message: 'docproc reports EMPTY_FILE: The file is empty.' },
  },
];

describe('real PDFs, all at once', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  it('each give the right text or one coded error, whatever the others do', async () => {
    const docproc = createDocproc(stack.playbook);
    const seen = await Promise.all(
      DOCUMENTS.map(async ({ name, make }) => {
        const { document } = await stack.document(`${unique('document')}.pdf`, await make());
        return [name, await docproc.extractText(document, { key: unique('pdf') })];
      }),
    );
    const expected = DOCUMENTS.map(({ name, expected: end }) => [
      name,
      'text' in end
        ? { state: 'COMPLETED', error: null, result: end }
        : { state: 'FAILED', result: null, error: { code: 'REMOTE_FAILED', message: end.message } },
    ]);
    expect(seen).toMatchObject(expected);
  });
});
