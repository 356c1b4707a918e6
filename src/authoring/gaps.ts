import { PlaybookError } from '../contracts/errors.ts';
import { cellText, readMarkdown, writeTable } from './markdown.ts';
import type { MarkdownTable } from './markdown.ts';

/** One row of a `context-gaps.md`: what was not known, and what came out. */
export interface Gap {
  readonly number: number;
  readonly area: string;
  readonly question: string;
  readonly priority: string;
  /** The hypothesis and the next probe; once closed, the finding. */
  readonly finding: string;
  readonly owner: string;
  readonly status: string;
}

/** Open: nobody knows yet. Closed: asked and answered. Documented: cannot be answered here, and what is done about that is written down. */
export const GAP_STATUSES = ['Open', 'Closed', 'Documented'] as const;
export type GapStatus = (typeof GAP_STATUSES)[number];
const GAP_PRIORITIES = ['High', 'Medium', 'Low'] as const;

/** The columns by what their headings begin with: authors may word them as they like. */
const COLUMNS = {
  number: /^#$/,
  area: /^area/i,
  question: /^(unknown|question)/i,
  priority: /^priority/i,
  finding: /^(hypothesis|probe|finding)/i,
  owner: /^owner/i,
  status: /^status/i,
} as const satisfies Record<keyof Gap, RegExp>;
type Column = keyof typeof COLUMNS;

interface GapTable {
  readonly table: MarkdownTable;
  readonly indexOf: Readonly<Record<Column, number>>;
}

/**
 * Reads the gaps out of a `context-gaps.md`.
 * @throws PlaybookError CONFIG_INVALID when it has no such table, or a row without a number of its own
 */
export function readGaps(text: string): Gap[] {
  const { table, indexOf } = findTable(text);
  const gaps = table.rows.map((row) => {
    const cell = (column: Column): string => row[indexOf[column]] ?? '';
    return {
      number: Number(cell('number')),
      area: cell('area'),
      question: cell('question'),
      priority: cell('priority'),
      finding: cell('finding'),
      owner: cell('owner'),
      status: cell('status'),
    };
  });
  const seen = new Set<number>();
  for (const { number, question } of gaps) {
    if (!Number.isSafeInteger(number) || number < 1 || seen.has(number)) {
      throw invalid(`The gap ${JSON.stringify(question.slice(0, 80))} needs a number of its own in the column #.`);
    }
    seen.add(number);
  }
  return gaps;
}

export function isOpen({ status }: Gap): boolean {
  return !/^(closed|documented)$/i.test(status);
}

/** The gap to look into next: open, of the highest priority, the oldest of those. */
export function nextGap(gaps: readonly Gap[]): Gap | undefined {
  return gaps.filter(isOpen).toSorted((a, b) => rank(a) - rank(b) || a.number - b.number)[0];
}

function rank({ priority }: Gap): number {
  const index = GAP_PRIORITIES.findIndex((name) => name.toLowerCase() === priority.toLowerCase());
  return index === -1 ? GAP_PRIORITIES.length : index;
}

/**
 * The text with one gap closed or documented and its finding written down. Nothing but that table's row is changed.
 * @throws PlaybookError INVALID_INPUT for a number that is not there; CONFIG_INVALID as {@link readGaps}
 */
export function closeGap(
  text: string,
  number: number,
  { finding, status = 'Closed' }: { readonly finding: string; readonly status?: GapStatus },
): string {
  const known = readGaps(text).map((gap) => gap.number);
  if (!known.includes(number)) {
    throw new PlaybookError('INVALID_INPUT', `There is no gap ${number}. There are: ${known.join(', ') || 'none'}.`);
  }
  return rewrite(text, (rows, indexOf) =>
    rows.map((row) =>
      Number(row[indexOf.number]) === number
        ? withCells(row, [
            [indexOf.finding, cellText(finding)],
            [indexOf.status, status],
          ])
        : row,
    ),
  );
}

/** The text with a finding under a question: its row where there is one, else a new one below. */
export function noteFinding(
  text: string,
  found: Omit<Gap, 'number'>,
): { readonly text: string; readonly number: number } {
  const gaps = readGaps(text);
  const same = gaps.find(({ question }) => question === cellText(found.question));
  const number = same?.number ?? Math.max(0, ...gaps.map((gap) => gap.number)) + 1;
  if (same !== undefined) {
    return { number, text: closeGap(text, number, { finding: found.finding, status: found.status as GapStatus }) };
  }
  const added = rewrite(text, (rows, indexOf) => {
    const cells = (Object.keys(COLUMNS) as Column[]).map(
      (column) => [indexOf[column], column === 'number' ? String(number) : cellText(found[column])] as const,
    );
    return [...rows, withCells([], cells)];
  });
  return { number, text: added };
}

function withCells(row: readonly string[], cells: readonly (readonly [number, string])[]): string[] {
  const changed = [...row];
  for (const [index, cell] of cells) {
    while (changed.length < index) changed.push('');
    changed[index] = cell;
  }
  return changed;
}

function rewrite(
  text: string,
  change: (rows: MarkdownTable['rows'], indexOf: GapTable['indexOf']) => readonly (readonly string[])[],
): string {
  const { table, indexOf } = findTable(text);
  const written = writeTable(table.columns, change(table.rows, indexOf));
  return text.slice(0, table.start) + written + text.slice(table.end);
}

function findTable(text: string): GapTable {
  for (const table of readMarkdown(text).tables) {
    const found = Object.entries(COLUMNS).map(
      ([column, heading]) => [column, table.columns.findIndex((name) => heading.test(name))] as const,
    );
    if (found.every(([, index]) => index >= 0)) {
      return { table, indexOf: Object.fromEntries(found) as GapTable['indexOf'] };
    }
  }
  throw invalid(
    'There is no table of gaps. It needs the columns #, Area, Unknown / Question, Priority, Hypothesis / Next Probe, Owner and Status.',
  );
}

function invalid(message: string): PlaybookError {
  return new PlaybookError('CONFIG_INVALID', message);
}
