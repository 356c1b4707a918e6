import { activityInfo, cancellationSignal, Context } from '@temporalio/activity';
import proto from '@temporalio/proto';
import { MAY_HAVE_ARRIVED } from '../contracts/activities.ts';

/** What an activity attempt may know and do about itself; passed in, so that tests decide it. */
export interface ActivityContext {
  /** From 1. */
  readonly attempt: number;
  /** Details of the last heartbeat of an earlier attempt. */
  readonly heartbeatDetails: unknown;
  /** Aborted when the activity is cancelled or its worker is past its shutdown grace. */
  readonly signal: AbortSignal;
  readonly heartbeat: (details: unknown) => void;
  /** A heartbeat the server has acknowledged: what it carries survives any crash from then on. */
  readonly acknowledgedHeartbeat: (details: unknown) => Promise<void>;
  /** How another activity of the same workflow stands; `undefined` once it is closed. */
  readonly pendingActivity: (activityId: string) => Promise<PendingActivity | undefined>;
}

export interface PendingActivity {
  readonly attempt: number;
  readonly running: boolean;
  /** The last attempt failed, and a request of it may have reached the service. */
  readonly lastMayHaveArrived: boolean;
}

/** The context of the activity attempt being executed. */
export function currentContext(): ActivityContext {
  const context = Context.current();
  const { attempt, taskToken, workflowExecution } = activityInfo();
  return {
    attempt,
    heartbeatDetails: context.info.heartbeatDetails as unknown,
    signal: cancellationSignal(),
    heartbeat: (details) => context.heartbeat(details),
    acknowledgedHeartbeat: (details) => context.client.activity.heartbeat(taskToken, details),
    pendingActivity: async (activityId) => {
      const handle = context.client.workflow.getHandle(workflowExecution?.workflowId ?? '', workflowExecution?.runId);
      const { raw } = await handle.describe();
      const pending = raw.pendingActivities?.find((activity) => activity.activityId === activityId);
      if (pending === undefined) return undefined;
      const failure = pending.lastFailure;
      return {
        attempt: pending.attempt ?? 1,
        running: pending.state !== proto.temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED,
        // A time-out (a worker that died) says nothing of what was sent.
        lastMayHaveArrived:
          !!failure &&
          (!failure.applicationFailureInfo || failure.cause?.applicationFailureInfo?.type === MAY_HAVE_ARRIVED),
      };
    },
  };
}
