import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type {
  AdmissionActivities,
  GlanceActivities,
  ReadActivities,
  SubmitActivities,
} from '../contracts/activities.ts';
import type { JobPolicy } from '../contracts/jobs.ts';
import { readQueue, submitQueue } from '../contracts/queues.ts';
import { fairnessKey } from '../rules/fairness-key.ts';

/** Local activities: no task queue, no history beyond a marker. They decide quickly and are repeated until they can. */
export const admission: AdmissionActivities = proxyLocalActivities<AdmissionActivities>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '5m' },
  // Longer pauses are timers: within a workflow task, every few seconds of waiting would be history.
  localRetryThreshold: '5s',
});

/**
 * The glance of one job, within the workflow task its webhook caused: one attempt, as whatever it does not find out is asked for
 * by an ordinary activity.
 */
export function glanceActivities(glanceMs: number): GlanceActivities {
  return proxyLocalActivities<GlanceActivities>({
    startToCloseTimeout: glanceMs + GLANCE_REPORT_MS,
    retry: { maximumAttempts: 1 },
  });
}

/** Room for a glance to come back by itself once its time is over, in milliseconds. */
const GLANCE_REPORT_MS = 1_000;

/** Where a job's requests pass, and for whom: Temporal hands out the tasks of all units in turn where fairness is enabled. */
export interface Passage {
  readonly lane: string;
  readonly unit: string;
}

/** Retries between two attempts whose failure named no delay of its own (a crash, a time-out). */
const RETRY = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/**
 * The submit activity of one job. Waits for a running attempt when cancelled: the request may be on its way. Attempts keep the
 * deadline themselves, so that a request under way when it passes still gets its answer; the time-out is for want of a worker.
 */
export function submitActivities(
  { lane, unit }: Passage,
  policy: JobPolicy,
  leftMs: number,
  activityId: string,
): SubmitActivities {
  return proxyActivities<SubmitActivities>({
    activityId,
    taskQueue: submitQueue(lane),
    summary: `Submit to ${lane}`,
    startToCloseTimeout: policy.submit.attemptTimeoutMs,
    heartbeatTimeout: policy.submit.heartbeatTimeoutMs,
    priority: { fairnessKey: fairnessKey(unit) },
    scheduleToCloseTimeout: leftMs + policy.poll.attemptTimeoutMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    allowEagerDispatch: false,
    retry: RETRY,
  });
}

/** A reading activity of one job. Dropped at once when cancelled: a GET in flight harms nobody. */
export function readActivities(
  { lane, unit }: Passage,
  policy: JobPolicy,
  leftMs: number,
  what: ReadWhat,
): ReadActivities {
  return proxyActivities<ReadActivities>({
    activityId: what.activityId,
    taskQueue: readQueue(lane),
    summary: what.summary,
    startToCloseTimeout: policy.poll.attemptTimeoutMs,
    scheduleToCloseTimeout: leftMs,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    priority: { fairnessKey: fairnessKey(unit) },
    allowEagerDispatch: false,
    retry: RETRY,
  });
}

/** Names a reading activity in the Web UI. */
export interface ReadWhat {
  readonly activityId: string;
  readonly summary: string;
}

/** Cancels at the service, within the time the policy gives it. */
export function cancelActivities({ lane, unit }: Passage, policy: JobPolicy): ReadActivities {
  return proxyActivities<ReadActivities>({
    activityId: 'cancel',
    taskQueue: readQueue(lane),
    summary: `Cancel at ${lane}`,
    startToCloseTimeout: policy.poll.attemptTimeoutMs,
    scheduleToCloseTimeout: policy.cancelTimeoutMs,
    priority: { fairnessKey: fairnessKey(unit) },
    allowEagerDispatch: false,
    retry: RETRY,
  });
}
