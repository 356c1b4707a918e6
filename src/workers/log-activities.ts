import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { jobReference, type JobRef } from '../contracts/ids.ts';
import { withLogContext, type LogContext } from '../logging/log-context.ts';

/** Every line that is logged during an activity says which job and which attempt it belongs to. */
export const logActivities: ActivityInterceptorsFactory = ({ info }) => {
  const { workflowExecution, activityId, activityType, attempt, isLocal } = info;
  const id = workflowExecution?.workflowId;
  // The id of a local activity is a mere number.
  const name = isLocal ? `${activityType}-${activityId}` : activityId;
  const fields: LogContext = {
    ...(workflowExecution === undefined
      ? {}
      : { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId }),
    requestId: `${id ?? 'no workflow'}#${name}.${attempt}`,
    activity: activityType,
    attempt,
  };
  return {
    inbound: { execute: (input, next) => withLogContext({ ...fields, ...jobOf(input.args[0]) }, () => next(input)) },
  };
};

function jobOf(argument: unknown): LogContext {
  const { service, key, generation } = (argument ?? {}) as Partial<JobRef>;
  if (typeof service !== 'string' || typeof key !== 'string' || typeof generation !== 'number') return {};
  return { service, jobId: jobReference({ service, key, generation }) };
}
