import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, PlaybookError } from '../../contracts/errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { InterruptedError } from './interrupted-error.ts';
import type { External } from './external.ts';
import { messageOf } from '../../rules/message-of.ts';

const EVERY_MS = 2000;

/**
 * Connects to a server that may not be up yet: says so once in a while and tries again, for as long as it takes.
 * @throws InterruptedError
 */
export async function untilReachable<Connected>(
  server: External,
  { logger, interrupt }: { readonly logger: Logger; readonly interrupt: AbortSignal },
  connect: () => Promise<Connected>,
): Promise<Connected> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect();
    } catch (error) {
      if (interrupt.aborted) throw new InterruptedError('Interrupted while waiting for Temporal.');
      // Such as SETUP_MISSING: it was reached, and waiting changes nothing.
      if (error instanceof PlaybookError && !ERRORS[error.code].retryable) throw error;
      const reason = messageOf(error);
      const fields = { address: server.address, attempt, reason };
      if (attempt === 1 || attempt % 15 === 0) {
        logger.warn(fields, `Temporal at ${server.address} does not answer; trying again every ${EVERY_MS / 1000} s`);
      } else {
        logger.debug(fields, 'Temporal still does not answer');
      }
      await sleep(EVERY_MS, undefined, { signal: interrupt }).catch(() => undefined);
      if (interrupt.aborted) throw new InterruptedError('Interrupted while waiting for Temporal.');
    }
  }
}
