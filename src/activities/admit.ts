import type { AdmissionActivities } from '../contracts/activities.ts';
import type { BatchAdmissionActivities } from '../contracts/batch.ts';
import { ERRORS, PlaybookError } from '../contracts/errors.ts';
import type { Admission, JobPolicy } from '../contracts/jobs.ts';
import type { MetricRecorder } from '../contracts/metric-recorder.ts';
import { decide } from '../rules/admission.ts';
import { currentContext } from './activity-context.ts';
import type { ReadControl } from './control-reader.ts';
import { GLANCE_MS } from './glance.ts';
import type { ServiceRuntime, Services } from './services.ts';

/** Longest a submit attempt may take with all its uploads. A dead worker is noticed by its heartbeat long before. */
const SUBMIT_ATTEMPT_MS = 300_000;
const SUBMIT_HEARTBEAT_MS = 5_000;
/** Room for a worker to take the task and report back, on top of the requests themselves. */
const REPORT_MS = 5_000;
/** How long a job may stay open for its cancellation to reach the service, a gate that is shut included. */
const CANCEL_MS = 900_000;

/** How old the control state may be that a job is turned away by, in milliseconds: one read serves a flood of refusals. */
const REFUSAL_MAX_AGE_MS = 20;

/** Local activities that decide from configuration and control state. */
export function createAdmissionActivities(deps: {
  readonly services: Services;
  readonly readControl: ReadControl;
  /** @default nobody measures */
  readonly metrics?: Pick<MetricRecorder, 'count'>;
  readonly context?: typeof currentContext;
}): AdmissionActivities & BatchAdmissionActivities {
  const context = deps.context ?? currentContext;
  const admit = async (job: { readonly service: string; readonly unit: string }): Promise<Admission> => {
    try {
      const options = { fallback: deps.services.has(job.service, 'fallback') };
      let control = await deps.readControl(job.service);
      let decision = decide(control, job, options);
      if (!decision.admitted || decision.route !== 'live') {
        // Whoever starts a job right after enabling must not be refused by what was read before.
        control = await deps.readControl(job.service, REFUSAL_MAX_AGE_MS);
        decision = decide(control, job, options);
      }
      const { revision, stage } = control;
      const decided = decision.admitted ? decision.route : 'rejected';
      deps.metrics?.count('playbook_admissions_total', { service: job.service, decision: decided });
      if (!decision.admitted) return { ...decision, revision };
      const policy = policyOf(deps.services.get(job.service, decision.route));
      return { ...decision, revision, policy, showsStage: true, ...(stage === undefined ? {} : { stage }) };
    } catch (error) {
      // Out of reach is no decision: it is asked again.
      if (!(error instanceof PlaybookError) || ERRORS[error.code].retryable) throw error;
      return { admitted: false, revision: 0, code: error.code, reason: error.message };
    }
  };
  return {
    admit,
    admitMany: async ({ service, units }) => {
      const admissions = new Map<string, { readonly at: number; readonly admission: Admission }>();
      const of: number[] = [];
      for (const unit of units) {
        const { reason, ...admission } = await admit({ service, unit });
        // A reason names the unit: those of one decision share the first one's.
        const kind = JSON.stringify(admission);
        const known = admissions.get(kind) ?? { at: admissions.size, admission: { ...admission, reason } as Admission };
        admissions.set(kind, known);
        of.push(known.at);
      }
      return { admissions: [...admissions.values()].map(({ admission }) => admission), of };
    },
    canDropSubmit: async (submitActivityId) => {
      const submit = await context().pendingActivity(submitActivityId);
      return submit !== undefined && !submit.running && !submit.lastMayHaveArrived;
    },
  };
}

/** The snapshot of the configuration one job runs under. */
export function policyOf(runtime: ServiceRuntime): JobPolicy {
  const { config, integration } = runtime;
  const requestsPerRead = integration.fetch === undefined ? 1 : 2;
  const perJob = config.cost.per_job_usd;
  return {
    deadlineMs: config.deadline_ms,
    submit: { attemptTimeoutMs: SUBMIT_ATTEMPT_MS, heartbeatTimeoutMs: SUBMIT_HEARTBEAT_MS },
    poll: {
      graceMs: config.polling.grace_ms,
      attemptTimeoutMs: config.service.timeouts.total_ms * requestsPerRead + REPORT_MS,
      glanceMs: GLANCE_MS,
    },
    cancelTimeoutMs: CANCEL_MS,
    prices: {
      perJobMicros: perJob === undefined ? integration.cost.perJobMicros : Math.round(perJob * 1_000_000),
      perRequestMicros: integration.cost.perRequestMicros ?? 0,
    },
  };
}
