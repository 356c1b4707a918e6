import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { POLL_SHARE } from '../../rules/gate/poll-share.ts';
import { pollIntervalMs, sweepIntervalMs, sweptPollIntervalMs } from '../../rules/gate/poll-interval.ts';
import type { ListSweep } from './list-sweep.ts';

/** Looks after the jobs the service is working on: how often each may be polled, and news of them from the service's list. */
export interface WaitingJobs {
  readonly leastPollMs: () => number;
  /** Jobs that were polled for when last counted. */
  readonly waiting: () => number;
  readonly stop: () => Promise<void>;
}

/** How often the waiting jobs are counted, in milliseconds. */
const COUNT_EVERY_MS = 2_000;

/** Starts to look after them. */
export function startWaitingJobs(deps: {
  readonly service: string;
  /** How many jobs are waited for by polling now. */
  readonly count: () => Promise<number>;
  readonly sweep: ListSweep | undefined;
  /** The limit in force. */
  readonly rate: () => { readonly limit: number; readonly windowMs: number };
  /** The shortest pause between two polls of a job, in milliseconds. */
  readonly spacingMs: number;
  readonly logger: Logger;
}): WaitingJobs {
  const { service, sweep, rate, spacingMs, logger } = deps;
  const stop = new AbortController();
  let waiting = 0;
  let isSwept = false;

  const every = async (pauseMs: () => number, work: () => Promise<void>): Promise<void> => {
    while (!stop.signal.aborted) {
      await work();
      await sleep(pauseMs(), undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const counting = every(
    () => COUNT_EVERY_MS,
    async () => {
      // While it cannot be had, the last count is the best there is.
      waiting = await deps.count().catch(() => waiting);
    },
  );
  const sweeping = async (): Promise<void> => {
    if (sweep === undefined) return;
    if (waiting === 0) return sweep.skip();
    try {
      await sweep.pass(stop.signal);
      isSwept = true;
    } catch (error) {
      if (isSwept && !stop.signal.aborted) {
        logger.warn({ service, err: error }, `The list of ${service} cannot be swept: its jobs are polled one by one.`);
      }
      isSwept = false;
    }
  };
  const sweeps = every(() => sweepIntervalMs({ cap: rate().limit, windowMs: rate().windowMs }, spacingMs), sweeping);

  return {
    waiting: () => waiting,
    leastPollMs: () => {
      const { limit, windowMs } = rate();
      const intervalMs = pollIntervalMs({ waiting, cap: limit, windowMs, share: POLL_SHARE }, spacingMs);
      return isSwept ? sweptPollIntervalMs(intervalMs) : intervalMs;
    },
    stop: async () => {
      stop.abort();
      await Promise.all([counting, sweeps]);
    },
  };
}
