import { Readable, Writable } from 'node:stream';
import { PlaybookError } from '../../contracts/errors.ts';
import type { CliIo } from '../io.ts';
import { InterruptedError } from './interrupted-error.ts';

/** One answer of a person. */
export interface Question {
  readonly message: string;
  /** Taken when only Enter is pressed. */
  readonly usual?: string;
  /** Throws a PlaybookError where an answer will not do; its message is shown and the person asked again. */
  readonly check: (answer: string) => unknown;
}

/**
 * Asks for a line on the terminal until it will do.
 * @throws InterruptedError after Ctrl-C, or when the terminal is gone
 */
export async function promptLine(io: CliIo, { message, usual, check }: Question): Promise<string> {
  const { input } = await import('@inquirer/prompts'); // only those who are asked pay for it
  const gone = new AbortController();
  const onEnd = (): void => gone.abort();
  const stdin = io.stdin instanceof Readable ? io.stdin : Readable.from(io.stdin);
  stdin.once('end', onEnd).once('close', onEnd);
  // Results alone go to stdout.
  const output = Object.assign(
    new Writable({
      write: (chunk, _encoding, done) => {
        io.stderr.write(String(chunk));
        done();
      },
    }),
    { columns: io.stderr.columns },
  );
  try {
    return await input(
      { message, ...(usual === undefined ? {} : { default: usual }), validate: (answer) => problemOf(check, answer) },
      { input: stdin, output, signal: AbortSignal.any([io.interrupt, gone.signal]) },
    );
  } catch (cause) {
    if (cause instanceof Error && /^(ExitPromptError|AbortPromptError)$/.test(cause.name)) {
      throw new InterruptedError('Interrupted before all was answered: nothing is written.', { cause });
    }
    throw cause;
  } finally {
    stdin.off('end', onEnd).off('close', onEnd);
  }
}

async function problemOf(check: Question['check'], answer: string): Promise<string | true> {
  try {
    await check(answer);
    return true;
  } catch (error) {
    if (error instanceof PlaybookError) return error.message;
    throw error;
  }
}
