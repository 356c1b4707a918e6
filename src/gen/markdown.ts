/** A table with columns as wide as they need to be, as Prettier writes it. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((row) => row.map(cellOf));
  const widths = head.map((_, column) => Math.max(3, ...lines.map((line) => widthOf(line[column] ?? ''))));
  const written = lines.map((line) =>
    widths.map((width, column) => `${line[column] ?? ''}${' '.repeat(width - widthOf(line[column] ?? ''))}`),
  );
  const [first = [], ...others] = written;
  return [first, widths.map((width) => '-'.repeat(width)), ...others]
    .map((line) => `| ${line.join(' | ')} |`)
    .join('\n');
}

/** A Mermaid diagram. */
export function mermaid(lines: readonly string[]): string {
  return ['```mermaid', ...lines, '```'].join('\n');
}

/** Text as a Mermaid label: what has a meaning in a diagram's grammar is left out. */
export function label(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} ,.’()/_-]/gu, '_');
}

function cellOf(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}

function widthOf(text: string): number {
  return Array.from(text).length;
}
