import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import type { Logger } from '../../logging/logger.ts';
import { messageOf } from '../../rules/message-of.ts';

/** How often Temporal is asked whether it is there, and how long it may take, in milliseconds. */
const EVERY_MS = 5_000;
const DEADLINE_MS = 4_000;
/** Answers missing in a row before it counts as away: one may be lost when a server is replaced. */
const MISSES = 2;

/** Whether Temporal answers this process. */
export interface TemporalWatch {
  readonly isUp: () => boolean;
  readonly stop: () => Promise<void>;
}

/** Asks Temporal, database included, now and then; says once when it is away and once when it is back. */
export function startTemporalWatch(deps: {
  readonly client: Client;
  readonly address: string;
  readonly logger: Logger;
  readonly metrics: MetricRecorder;
  /** What becomes of the work meanwhile. */
  readonly meanwhile: string;
  /** Whether it is known to answer now. */
  readonly up: boolean;
  /** @default 5000 */
  readonly everyMs?: number;
}): TemporalWatch {
  const { client, address, logger, metrics, meanwhile, everyMs = EVERY_MS } = deps;
  const stopping = new AbortController();
  let up = deps.up;
  let misses = 0;
  let awaySinceMs = performance.now();

  const became = (next: boolean): void => {
    up = next;
    metrics.set('playbook_temporal_up', {}, up ? 1 : 0);
  };
  const look = async (): Promise<void> => {
    try {
      const { namespace } = client.options;
      const ask = () => client.workflowService.describeNamespace({ namespace });
      await client.withDeadline(Date.now() + DEADLINE_MS, ask);
      misses = 0;
      if (up) return;
      const awayMs = Math.round(performance.now() - awaySinceMs);
      logger.info({ address, awayMs }, `Temporal at ${address} answers again: work resumes by itself`);
      became(true);
    } catch (error) {
      misses += 1;
      if (!up || misses < MISSES || stopping.signal.aborted) return;
      const reason = messageOf(error);
      logger.warn({ address, reason }, `Temporal at ${address} does not answer any more: ${meanwhile}`);
      awaySinceMs = performance.now();
      became(false);
    }
  };
  became(up);
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      await look();
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    isUp: () => up,
    stop: async () => {
      stopping.abort();
      await looking;
    },
  };
}
