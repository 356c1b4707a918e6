import type { Logger } from 'pino';
import type { NoticeActivities, RolloutNotice } from '../contracts/rollout-notice.ts';
import { currentContext } from './activity-context.ts';
import { applicationFailure, judge } from './failures.ts';
import type { NotificationEvent, Services } from './services.ts';

/** The receiver will never want this again (Standard Webhooks: 410 Gone). */
const GONE = 410;
const RETRY_MS = { first: 1_000, longest: 600_000 } as const;

/** Tells people of the steps of rollouts: a line in the log, and the webhook of the service's configuration. */
export function createNoticeActivities(deps: {
  readonly services: Services;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly context?: typeof currentContext;
}): NoticeActivities {
  const context = deps.context ?? currentContext;
  return {
    notify: async (notice) => {
      const { attempt, signal } = context();
      const { service, phase, stage, because } = notice;
      if (attempt === 1) {
        deps.logger.info(
          { notice },
          `Rollout of ${service}: ${phase}, stage ${stage} (${notice.weightBps / 100} %). ${because}`,
        );
      }
      try {
        const { notify } = deps.services.get(service, 'live');
        if (notify === undefined) return 'unaddressed';
        await notify(eventOf(notice), signal);
        return 'delivered';
      } catch (error) {
        const { message, status, retryAfterMs } = judge(error);
        const retryInMs = retryAfterMs ?? Math.min(RETRY_MS.first * 2 ** (attempt - 1), RETRY_MS.longest);
        deps.logger.warn({ service, attempt }, `A notification of the rollout of ${service} was not taken: ${message}`);
        throw applicationFailure({
          code: 'NOTIFICATION_FAILED',
          message: `The receiver of notifications did not take revision ${notice.revision}: ${message}`,
          ...(status === GONE ? {} : { retryInMs }),
          cause: error,
        });
      }
    },
  };
}

/** A notification as Standard Webhooks writes one: its id tells repetitions apart. */
function eventOf(notice: RolloutNotice): NotificationEvent {
  return {
    id: `rollout_${notice.rollout}_${notice.revision}`,
    type: `rollout.${notice.phase}`,
    timestamp: new Date(notice.atMs).toISOString(),
    data: { ...notice },
  };
}
