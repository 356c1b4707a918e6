import type { CliIo } from '../io.ts';

/** After Ctrl-C nothing is left of the work but a sentence. */
export async function unlessInterrupted<Result>(io: CliIo, work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!io.interrupt.aborted) throw error;
    io.stderr.write('Interrupted: nothing is written.\n');
    return undefined;
  }
}
