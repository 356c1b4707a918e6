/** What the caller wants the text as. */
export const formats = ['text', 'markdown', 'json'] as const;
export type Format = (typeof formats)[number];

/** The bytes of a result, and how to serve them. */
export interface RenderedResult {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** Unicode code points of the extracted text itself, without what the format adds. */
  readonly characters: number;
}

function countCodePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index += 1) {
    const isPair = (text.charCodeAt(index) & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
    if (isPair) count -= 1;
  }
  return count;
}

const render: Record<Format, (pages: readonly string[]) => string> = {
  text: (pages) => pages.join('\n\n'),
  markdown: (pages) =>
    pages.length === 1 ? (pages[0] ?? '') : pages.map((page, index) => `## Page ${index + 1}\n\n${page}\n`).join('\n'),
  json: (pages) => JSON.stringify({ pages }),
};

const contentTypes: Record<Format, string> = {
  text: 'text/plain; charset=utf-8',
  markdown: 'text/markdown; charset=utf-8',
  json: 'application/json',
};

/** Writes pages in the format asked for. One page of text or Markdown passes through unchanged. */
export function renderResult(pages: readonly string[], format: Format): RenderedResult {
  return {
    bytes: Buffer.from(render[format](pages), 'utf8'),
    contentType: contentTypes[format],
    characters: pages.reduce((sum, page) => sum + countCodePoints(page), 0),
  };
}
