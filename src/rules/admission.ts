import type { ControlState } from '../contracts/control.ts';
import type { Route } from '../contracts/states.ts';
import { BUCKETS, bucketOf } from './bucketing.ts';

/** Where a job goes, and why in one sentence. */
export type AdmissionDecision =
  | { readonly admitted: true; readonly route: Route; readonly reason: string }
  | { readonly admitted: false; readonly code: 'INTEGRATION_DISABLED'; readonly reason: string };

/**
 * Decides whether a job is sent to the service. Deny goes before allow, allow before enabled and weight; without a control
 * state everything is off. What is not admitted goes to the fallback where the environment opted into one.
 */
export function decide(
  control: ControlState | undefined,
  job: { readonly service: string; readonly unit: string },
  options: { readonly fallback: boolean },
): AdmissionDecision {
  const { live, reason } = verdict(control, job);
  if (live) return { admitted: true, route: 'live', reason };
  if (options.fallback) return { admitted: true, route: 'fallback', reason };
  return { admitted: false, code: 'INTEGRATION_DISABLED', reason };
}

function verdict(
  control: ControlState | undefined,
  { service, unit }: { readonly service: string; readonly unit: string },
): { readonly live: boolean; readonly reason: string } {
  const who = `Unit ${JSON.stringify(unit)}`;
  if (control === undefined) return { live: false, reason: `${service} has never been enabled.` };
  if (control.deny.includes(unit)) return { live: false, reason: `${who} is on the deny list of ${service}.` };
  if (control.allow.includes(unit)) return { live: true, reason: `${who} is on the allow list of ${service}.` };
  if (!control.enabled) return { live: false, reason: `${service} is disabled.` };
  const bucket = bucketOf(control.salt, service, unit);
  const admitted = bucket < control.weightBps;
  return {
    live: admitted,
    reason: `${who} is in bucket ${bucket}: ${admitted ? 'within' : 'beyond'} the weight of ${control.weightBps} of ${BUCKETS}.`,
  };
}
