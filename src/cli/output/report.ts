import type { CliIo } from '../io.ts';
import { dollars, firstLines, printable, seconds, stateText } from './format.ts';
import type { JobLine } from './job-line.ts';
import { createScreen } from './screen.ts';

/** What `playbook run` says while it works. */
export interface Report {
  /** The io to work with: its stderr keeps clear of live lines. */
  readonly io: CliIo;
  /** Something to know that is no result: on stderr. */
  readonly note: (text: string) => void;
  /** A job needs no more waiting. */
  readonly ended: (index: number, line: JobLine) => void;
  readonly close: () => void;
}

const TEXT_LINES = 5;

/** A line per job as it ends: JSON for scripts, else for people. */
export function createReport(
  io: CliIo,
  { json, names }: { readonly json: boolean; readonly names: readonly string[] },
): Report {
  const screen = createScreen(io);
  const guarded = json ? io : screen.guard(io);
  let left = names.length;
  const showLeft = (): void =>
    screen.live(left === 0 ? [] : [`… ${left} of ${names.length} ${names.length === 1 ? 'job' : 'jobs'} under way`]);
  if (!json) showLeft();
  return {
    io: guarded,
    note: (text) => guarded.stderr.write(`${text}\n`),
    ended: (index, line) => {
      left -= 1;
      if (json) {
        io.stdout.write(`${JSON.stringify(line)}\n`);
        return;
      }
      screen.print(forPeople(io, names[index] ?? '', line));
      showLeft();
    },
    close: () => screen.live([]),
  };
}

function forPeople(io: CliIo, name: string, line: JobLine): string {
  const route = line.route === 'fallback' ? '  (by the fallback)' : '';
  const head = `${stateText(line.state, io)}  ${printable(name)}  ${seconds(line.latencyMs)}  ${dollars(line.costUsd * 1e6)}  ${line.workflowId}${route}`;
  if (line.error !== null) return `${head}\n  ${line.error.code}: ${printable(line.error.message)}`;
  if (line.state === 'PENDING') return `${head}\n  It goes on; the same command picks it up again.`;
  return [head, ...firstLines(line.result, TEXT_LINES).map((text) => `  │ ${text}`)].join('\n');
}
