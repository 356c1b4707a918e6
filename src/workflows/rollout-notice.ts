import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { NoticeActivities, NoticeResult, RolloutNotice } from '../contracts/rollout-notice.ts';

/**
 * Tells people of one step of a rollout, for as long as a day if its receiver is away. Apart from the rollout, so that nobody's
 * webhook receiver can hold one up.
 */
export async function rolloutNotice(notice: RolloutNotice): Promise<NoticeResult> {
  const { notify } = proxyActivities<NoticeActivities>({
    summary: `Tell of ${notice.phase}, stage ${notice.stage}`,
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: '24h',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10m' },
  });
  setCurrentDetails(`${notice.service}: ${notice.phase}, stage ${notice.stage}. ${notice.because}`);
  return notify(notice);
}
