import type { CliIo } from '../io.ts';

/** Standard output with, on a terminal, a few live lines at its end. */
export interface Screen {
  /** Whether live lines are shown. */
  readonly isLive: boolean;
  /** Writes finished lines; live ones stay below them. */
  readonly print: (text: string) => void;
  /** Replaces the live lines; without a terminal nothing happens. */
  readonly live: (lines: readonly string[]) => void;
  /** Makes an io whose stderr does not write into the live lines. */
  readonly guard: (io: CliIo) => CliIo;
}

const ERASE_BELOW = '\u001B[J';

/** One write per change, so that nothing flickers. */
export function createScreen(io: CliIo): Screen {
  const { stdout, stderr } = io;
  const isLive = stdout.isTTY && io.env['TERM'] !== 'dumb';
  let shown: readonly string[] = [];
  const up = (): string => (shown.length === 0 ? '' : `\u001B[${shown.length}A\r${ERASE_BELOW}`);
  const below = (): string => shown.map((line) => `${cut(line, stdout.columns ?? 80)}\n`).join('');
  return {
    isLive,
    print: (text) => stdout.write(isLive ? `${up()}${text}\n${below()}` : `${text}\n`),
    live: (lines) => {
      if (!isLive) return;
      const before = up();
      if (before === '' && lines.length === 0) return;
      shown = lines;
      stdout.write(`${before}${below()}`);
    },
    guard: (inner) => {
      if (!isLive || !stderr.isTTY) return inner;
      const write = (text: string): void => {
        if (shown.length > 0) stdout.write(up());
        stderr.write(text);
        if (shown.length > 0) stdout.write(below());
      };
      return {
        ...inner,
        stderr: { write, isTTY: true, ...(stderr.columns === undefined ? {} : { columns: stderr.columns }) },
      };
    },
  };
}

/** A colour, or one character. */
// oxlint-disable-next-line no-control-regex -- escape sequences begin with one
const PIECES = /\u001B\[[0-9;]*m|[^]/gu;

/** A live line that wrapped could not be taken back. Colours are not counted, and closed. */
function cut(line: string, columns: number): string {
  let width = 0;
  let end = 0;
  for (const [piece] of line.matchAll(PIECES)) {
    if (!piece.startsWith('\u001B')) width += 1;
    if (width >= columns) return `${line.slice(0, end)}\u001B[0m`;
    end += piece.length;
  }
  return line;
}
