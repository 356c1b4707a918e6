import { logContext } from '../../logging/log-context.ts';
import { createLogger, LOG_LEVELS } from '../../logging/logger.ts';
import type { Logger, LogLevel } from '../../logging/logger.ts';
import { createRedactor } from '../../logging/redactor.ts';
import type { Redactor } from '../../logging/redactor.ts';
import { badUsage } from '../args/bad-usage.ts';
import type { CliIo } from '../io.ts';

/** A process's logger, and what keeps secrets out of it. */
export interface Logging {
  readonly logger: Logger;
  readonly redactor: Redactor;
  /** From now on lines name the trace under way. */
  readonly follow: (trace: () => object | undefined) => void;
}

/**
 * Logs to stderr, at `PLAYBOOK_LOG_LEVEL` or the level that suits the command.
 * @throws PlaybookError BAD_USAGE for a level there is not
 */
export function startLogging(io: CliIo, usual: LogLevel, command: readonly string[]): Logging {
  const asked = io.env['PLAYBOOK_LOG_LEVEL'] || usual;
  const level = LOG_LEVELS.find((name) => name === asked);
  if (level === undefined) {
    throw badUsage(
      `PLAYBOOK_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')} (got ${JSON.stringify(asked)}).`,
      command,
    );
  }
  const redactor = createRedactor();
  let trace: () => object | undefined = () => undefined;
  const logger = createLogger({
    redactor,
    level,
    pretty: io.stderr.isTTY,
    mixin: () => ({ ...logContext(), ...trace() }),
    destination: { write: (line) => io.stderr.write(line) },
  });
  const follow = (next: typeof trace): void => {
    trace = next;
  };
  return { logger, redactor, follow };
}
