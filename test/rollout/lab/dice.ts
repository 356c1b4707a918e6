import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { createRolloutActivities } from '../../../src/activities/index.ts';
import { changeControl, readControl } from '../../../src/client/index.ts';
import { renewLease } from '../../../src/client/rollout.ts';
import { bucketOf } from '../../../src/rules/bucketing.ts';
import { markOf, type WatchAnswer, type WatchRequest } from '../../../src/rules/rollout/messages.ts';
import { seen } from '../../rules/rollout/fixtures.ts';

/** Activities that change a control state for real, and see no jobs. */
export function activitiesWithoutJobs(client: Client, now: () => number) {
  const real = createRolloutActivities({
    readControl: (service) => readControl(client, service),
    setWeight: (service, change) => changeControl(client, service, 'setWeight', change),
    renewLease: (service, renewal) => renewLease(client, service, renewal),
    source: { read: async () => [] },
    outage: async () => undefined,
    cancelJob: async () => undefined,
    now,
    sleep,
  });
  return { ...real, notify: async () => 'unaddressed' };
}

/** The same for the same watch, whichever worker gets to throw it; in 0 to 1. */
function dice(what: string, service: string): number {
  const { activityId, workflowExecution } = activityInfo();
  return bucketOf(what, service, `${workflowExecution?.runId}:${activityId}`) / 10_000;
}

/** How long the watch under way takes: a tenth of them long, as a share of the longest. */
export function watchLasts({ service }: WatchRequest): number {
  return dice('long', service) < 0.1 ? 1 : 0.15 * dice('wait', service);
}

/** What the watch under way says. */
export async function answerByDice(client: Client, request: WatchRequest): Promise<WatchAnswer> {
  const { service, guardOnly, mark } = request;
  const control = await readControl(client, service);
  if (mark !== undefined && markOf(control) !== mark) return { type: 'changed', what: `revision ${control.revision}` };
  const answer = dice('answer', service);
  if (answer < 0.03) return { type: 'failed', ...seen('It rolled a failure.') };
  if (answer < 0.06) return { type: 'deadline', ...seen() };
  return { type: answer < 0.7 && !guardOnly ? 'passed' : 'progress', ...seen() };
}
