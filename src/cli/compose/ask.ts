import type { CliIo } from '../io.ts';
import { InterruptedError } from './interrupted-error.ts';
import { untilAborted } from './until-aborted.ts';

/** Whether somebody is there to answer. */
export function canAsk(io: CliIo): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY;
}

/** Asks on the terminal. @returns the line that was typed, trimmed @throws InterruptedError when interrupted instead */
export async function ask(io: CliIo, question: string): Promise<string> {
  io.stderr.write(question);
  const lines = io.stdin[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (!text.includes('\n')) {
      const next = await Promise.race([lines.next(), untilAborted(io.interrupt)]);
      if (next === undefined) throw new InterruptedError('Interrupted before an answer was given.');
      if (next.done === true) break;
      text += decoder.decode(next.value, { stream: true });
    }
  } finally {
    void lines.return?.();
  }
  return (text.split('\n', 1)[0] ?? '').trim();
}
