export const ROLLOUT_WORKFLOW = 'rollout';

/** Workflow id of a service's rollout: one at a time. */
export function rolloutWorkflowId(service: string): string {
  return `rollout/${service}`;
}

/** Signal `(who)`: abort, for when no worker answers an update in time. */
export const ABORT_ROLLOUT_SIGNAL = 'abortNow';
/** Query: every step so far, the latest last. */
export const ROLLOUT_LOG_QUERY = 'log';
