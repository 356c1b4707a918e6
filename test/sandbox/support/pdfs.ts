import { randomBytes } from 'node:crypto';
import { PDFDocument } from 'pdfkit';

/** Makes a PDF with one page for each text; the standard fonts reach Latin-1 only. */
export async function makePdf(
  pages: readonly string[],
  options: { readonly userPassword?: string; readonly ownerPassword?: string } = {},
): Promise<Buffer> {
  const document = new PDFDocument(options);
  const chunks: Buffer[] = [];
  document.on('data', (chunk: Buffer) => chunks.push(chunk));
  const done = new Promise<Buffer>((resolve) => {
    document.on('end', () => resolve(Buffer.concat(chunks)));
  });
  for (const [index, text] of pages.entries()) (index === 0 ? document : document.addPage()).text(text);
  document.end();
  return done;
}

const hex = (text: string): string => Buffer.from(text, 'utf16le').swap16().toString('hex');

/** Codes below are control characters, which a reader drops whatever they map to. */
const FIRST_CODE = 0x41;

const stream = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`<< /Length ${body.length} >>\nstream\n`), body, Buffer.from('\nendstream')]);

/** Writes a one-page PDF by hand whose font says by a ToUnicode map what each code means: any script, no font file. */
export function makeUnicodePdf(text: string, padBytes = 0): Buffer {
  const characters = [...new Set(text)];
  const code = (character: string): string => (characters.indexOf(character) + FIRST_CODE).toString(16);
  const shown = Array.from(text, code).join('');
  const map = characters.map((character) => `<${code(character)}> <${hex(character)}>`).join('\n');
  const cmap = `begincmap\n1 begincodespacerange\n<00> <ff>\nendcodespacerange\n${characters.length} beginbfchar\n${map}\nendbfchar\nendcmap`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    stream(Buffer.from(`BT /F1 12 Tf 72 720 Td <${shown}> Tj ET`)),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>',
    stream(Buffer.from(cmap)),
    stream(randomBytes(padBytes)),
  ];
  const parts = [Buffer.from('%PDF-1.7\n')];
  const offsets: number[] = [];
  let size = 9;
  for (const [index, object] of objects.entries()) {
    const part = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), Buffer.from(object), Buffer.from('\nendobj\n')]);
    offsets.push(size);
    parts.push(part);
    size += part.length;
  }
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const count = objects.length + 1;
  const trailer = `trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${size}\n%%EOF\n`;
  parts.push(Buffer.from(`xref\n0 ${count}\n0000000000 65535 f \n${entries}${trailer}`));
  return Buffer.concat(parts);
}
