import { badUsage } from '../args/bad-usage.ts';
import type { CliIo } from '../io.ts';
import { InterruptedError } from './interrupted-error.ts';
import { untilAborted } from './until-aborted.ts';

/**
 * The reason that was given, else the one typed when asked for on a terminal.
 * @throws PlaybookError BAD_USAGE when there is none
 */
export async function reasonFor(io: CliIo, given: string | undefined, path: readonly string[]): Promise<string> {
  const asks = given === undefined && io.stdin.isTTY === true && io.stderr.isTTY;
  if (asks) io.stderr.write('Why? It is kept in the history: ');
  const reason = (asks ? await firstLine(io) : (given ?? '')).trim();
  if (reason === '') throw badUsage('Say why with --reason: it is kept in the history.', path);
  return reason;
}

async function firstLine(io: CliIo): Promise<string> {
  const lines = io.stdin[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (!text.includes('\n')) {
      const next = await Promise.race([lines.next(), untilAborted(io.interrupt)]);
      if (next === undefined) throw new InterruptedError('Interrupted before a reason was given.');
      if (next.done === true) break;
      text += decoder.decode(next.value, { stream: true });
    }
  } finally {
    void lines.return?.();
  }
  return text.split('\n', 1)[0] ?? '';
}
