import { destination as fileDestination, pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { logContext } from './log-context.ts';
import { prettyLine } from './pretty-line.ts';
import type { Redactor } from './redactor.ts';

export type { Logger };

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly redactor: Redactor;
  /** @default 'info' */
  readonly level?: LogLevel;
  /** Lines for people instead of JSON. @default true when stderr is a terminal */
  readonly pretty?: boolean;
  /** Asked for more fields at every line. @default those of {@link withLogContext} */
  readonly mixin?: () => object;
  /** Fields on every line. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Where lines go. @default stderr, because stdout belongs to a command's result */
  readonly destination?: DestinationStream;
}

/**
 * Makes a logger: JSON lines with ISO time and level names. Fields are redacted by name, and every finished line once more by
 * what the redactor knows, so that also a message built by a careless hand is clean.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { redactor, level = 'info', pretty = process.stderr.isTTY, base = {} } = options;
  // Synchronous: the last line before an exit is the one that matters.
  const out = options.destination ?? fileDestination({ fd: 2, sync: true });
  return pino(
    {
      level,
      mixin: options.mixin ?? logContext,
      base: redactor.value(base) as Record<string, unknown>,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        bindings: (fields) => redactor.value(fields) as Record<string, unknown>,
        log: (fields) => redactor.value(fields) as Record<string, unknown>,
      },
    },
    {
      write: (line) => {
        const safe = redactor.text(line);
        out.write(pretty ? prettyLine(safe) : safe);
      },
    },
  );
}
