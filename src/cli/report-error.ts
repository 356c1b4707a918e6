import { ERRORS, PlaybookError } from '../contracts/errors.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { messageOf } from '../rules/message-of.ts';

/** Says once, on stderr, what went wrong and what to do; a stack trace only for those who ask with PLAYBOOK_DEBUG. */
export function reportError(io: CliIo, error: unknown): ExitCode {
  io.stderr.write(`${errorText(error)}\n`);
  if (io.env['PLAYBOOK_DEBUG']) io.stderr.write(`${stackOf(error)}\n`);
  return error instanceof PlaybookError ? exitCodeOf(error.code) : EXIT.failed;
}

/** `CODE: message`, and what to do where the message does not say. */
export function errorText(error: unknown): string {
  if (!(error instanceof PlaybookError)) {
    const message = messageOf(error);
    return `INTERNAL: ${message}\n${ERRORS.INTERNAL.action} PLAYBOOK_DEBUG=1 shows where it happened.`;
  }
  const says = /[.?!]\s+\S|\n|`playbook /.test(error.message);
  return `${error.code}: ${error.message}${says ? '' : `\n${ERRORS[error.code].action}`}`;
}

/** The same for scripts. */
export function errorJson(error: unknown): string {
  const code = error instanceof PlaybookError ? error.code : 'INTERNAL';
  return JSON.stringify({ error: { code, message: messageOf(error) } });
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\nCaused by: ${stackOf(error.cause)}`;
}
