import type { ErrorCode } from '../contracts/errors.ts';

/** What the command's exit code says; others script against it. */
export const EXIT = {
  ok: 0,
  /** A job FAILED or was CANCELED, or the command could not be carried out. */
  failed: 1,
  /** The command, its configuration or its files are wrong: nothing was sent. */
  usage: 2,
  /** Jobs were still under way when the wait was over; they go on. */
  pending: 3,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const USAGE_CODES: readonly ErrorCode[] = [
  'BAD_USAGE',
  'CONFIG_INVALID',
  'FILE_NOT_FOUND',
  'INVALID_INPUT',
  'INVALID_KEY',
  'SECRET_UNAVAILABLE',
  'UNKNOWN_SERVICE',
];

/** The exit code of a command that ended with an error. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return USAGE_CODES.includes(code) ? EXIT.usage : EXIT.failed;
}
