import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmTableFromMarkdown } from 'mdast-util-gfm-table';
import { gfmTable } from 'micromark-extension-gfm-table';

type Root = ReturnType<typeof fromMarkdown>;
type Node = Root | Root['children'][number];

/** A table as it stands in the text: what its cells hold, as written, and where it begins and ends. */
export interface MarkdownTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Offsets into the text; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
}

/** A heading with all below it, up to the next heading of its level or above. */
export interface MarkdownSection {
  readonly heading: string;
  readonly level: number;
  /** What stands below the heading, subsections included. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A fenced block. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
}

/** What the checks and the gap table need to know of a document. */
export interface MarkdownDocument {
  readonly tables: readonly MarkdownTable[];
  readonly sections: readonly MarkdownSection[];
  readonly code: readonly CodeBlock[];
  /** Code within a line. */
  readonly snippets: readonly string[];
  readonly links: readonly string[];
}

/** Reads a document by CommonMark and the tables of GitHub's flavour. */
export function readMarkdown(text: string): MarkdownDocument {
  const root = fromMarkdown(text, { extensions: [gfmTable()], mdastExtensions: [gfmTableFromMarkdown()] });
  const nodes = [...walk(root)];
  return {
    tables: nodes.flatMap((node) => (node.type === 'table' ? [tableOf(text, node)] : [])),
    sections: sectionsOf(text, root),
    code: nodes.flatMap((node) => (node.type === 'code' ? [{ language: node.lang ?? '', code: node.value }] : [])),
    snippets: nodes.flatMap((node) => (node.type === 'inlineCode' ? [node.value] : [])),
    links: nodes.flatMap((node) => (node.type === 'link' ? [node.url] : [])),
  };
}

/** The text of the first section whose heading fits; `undefined` where there is none. */
export function sectionNamed(document: MarkdownDocument, heading: RegExp): MarkdownSection | undefined {
  return document.sections.find((section) => heading.test(section.heading));
}

/** A table as GitHub renders it, its columns as wide as their content. */
export function writeTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, index) =>
    Math.max(3, ...[column, ...rows.map((row) => cell(row, index))].map(widthOf)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, index) => pad(cell(cells, index), width)).join(' | ')} |`;
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** What stands in a row's cell; nothing where the row is too short. */
export function cell(row: readonly string[], index: number): string {
  return row[index] ?? '';
}

/** Any text as the content of one cell: one line, no bare `|`. */
export function cellText(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().replaceAll(/\\?\|/g, '\\|');
}

function* walk(node: Node): Generator<Node> {
  yield node;
  if ('children' in node) for (const child of node.children) yield* walk(child);
}

function tableOf(text: string, node: Extract<Node, { type: 'table' }>): MarkdownTable {
  const [header = [], ...rows] = node.children.map((row) =>
    row.children.map(({ position }) =>
      text
        .slice(position?.start.offset, position?.end.offset)
        .replace(/^\|/, '')
        .replace(/(?<!\\)\|$/, '')
        .trim(),
    ),
  );
  return { columns: header, rows, start: node.position?.start.offset ?? 0, end: node.position?.end.offset ?? 0 };
}

function sectionsOf(text: string, root: Root): MarkdownSection[] {
  const headings = root.children.flatMap((node) => (node.type === 'heading' ? [node] : []));
  return headings.map((node, index) => {
    const next = headings.slice(index + 1).find(({ depth }) => depth <= node.depth);
    const from = node.position?.end.offset ?? 0;
    const end = next?.position?.start.offset ?? text.length;
    return {
      heading: text
        .slice(node.position?.start.offset, from)
        .replace(/^#+\s*/, '')
        .trim(),
      level: node.depth,
      text: text.slice(from, end).trim(),
      start: from,
      end,
    };
  });
}

/** Columns on a screen: wide characters take two, as formatters count them. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text)
    width += /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFF00-\uFF60]|\p{Emoji_Presentation}/u.test(
      character,
    )
      ? 2
      : 1;
  return width;
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}
