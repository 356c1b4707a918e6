import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { BatchActivities, BatchAdmissionActivities } from '../contracts/batch.ts';
import type { JobPolicy } from '../contracts/jobs.ts';
import { bulkQueue } from '../contracts/queues.ts';

/** One decision for each unit of a part, quickly: see `admission` of single jobs. */
export const batchAdmission: BatchAdmissionActivities = proxyLocalActivities<BatchAdmissionActivities>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '5m' },
  localRetryThreshold: '5s',
});

/** Retries after a crash or a time-out; what is expected to take longer names its delay itself. */
const RETRY = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;
/** Longest one attempt at a chunk of reads may take: it stops asking long before. */
const READ_ATTEMPT_MS = 120_000;

/** Where a chunk passes and how it is called in the Web UI. */
export interface ChunkCall {
  readonly lane: string;
  readonly policy: JobPolicy;
  readonly leftMs: number;
  readonly activityId: string;
  readonly summary: string;
}

/** The submit of a chunk. Dropped only where nothing can have been sent, so cancelling waits for an attempt that runs. */
export function chunkSubmit({ lane, policy, leftMs, activityId, summary }: ChunkCall): BatchActivities {
  return proxyActivities<BatchActivities>({
    activityId,
    taskQueue: bulkQueue(lane),
    summary,
    startToCloseTimeout: policy.submit.attemptTimeoutMs,
    heartbeatTimeout: policy.submit.heartbeatTimeoutMs,
    scheduleToCloseTimeout: leftMs + policy.poll.attemptTimeoutMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    allowEagerDispatch: false,
    retry: RETRY,
  });
}

/** A look at a chunk, or its cancellation at the service. */
export function chunkRead({ lane, policy, leftMs, activityId, summary }: ChunkCall): BatchActivities {
  return proxyActivities<BatchActivities>({
    activityId,
    taskQueue: bulkQueue(lane),
    summary,
    startToCloseTimeout: READ_ATTEMPT_MS,
    heartbeatTimeout: policy.submit.heartbeatTimeoutMs,
    scheduleToCloseTimeout: leftMs,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    allowEagerDispatch: false,
    retry: RETRY,
  });
}
