import { badUsage } from '../args/bad-usage.ts';
import type { CliIo } from '../io.ts';
import { ask, canAsk } from './ask.ts';

/**
 * The reason that was given, else the one typed when asked for on a terminal.
 * @throws PlaybookError BAD_USAGE when there is none
 */
export async function reasonFor(io: CliIo, given: string | undefined, path: readonly string[]): Promise<string> {
  const asks = given === undefined && canAsk(io);
  const reason = asks ? await ask(io, 'Why? It is kept in the history: ') : (given ?? '').trim();
  if (reason === '') throw badUsage('Say why with --reason: it is kept in the history.', path);
  return reason;
}
