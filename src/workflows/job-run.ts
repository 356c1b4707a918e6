import { setCurrentDetails } from '@temporalio/workflow';
import type { CancelRequest } from '../contracts/activities.ts';
import { laneOf } from '../contracts/queues.ts';
import { endOf } from './activity-failure.ts';
import { cancelActivities, type Passage } from './job-activities.ts';
import { describeJob } from './job-details.ts';
import type { Admitted, JobProgress } from './job-progress.ts';

/** One run of a job's workflow: what its phases share. */
export class JobRun {
  /** Somebody asked for the job to be canceled. */
  cancelRequested = false;
  readonly job: JobProgress;

  constructor(job: JobProgress) {
    this.job = job;
  }

  /** Says in the Web UI what the job is doing. */
  explain(activity: string): void {
    this.job.activity = activity;
    setCurrentDetails(describeJob(this.job.status(), this.job.admitted));
  }

  deadlineAtMs(admitted: Admitted): number {
    return this.job.startedAtMs + admitted.policy.deadlineMs;
  }

  /** Milliseconds to the deadline; at least 1, where an activity needs a positive time-out to run out of. */
  leftMs(admitted: Admitted): number {
    return Math.max(1, this.deadlineAtMs(admitted) - Date.now());
  }

  /** Where its requests pass. */
  passage({ route }: Admitted): Passage {
    const { service, unit } = this.job.request;
    return { lane: laneOf(service, route), unit };
  }

  /** What every request about the job says of it. */
  about(admitted: Admitted): CancelRequest {
    const { service, key, generation, unit, tags } = this.job.request;
    return {
      service,
      key,
      generation,
      unit,
      externalId: this.job.externalId,
      route: admitted.route,
      deadlineAtMs: this.deadlineAtMs(admitted),
      ...(tags === undefined ? {} : { tags }),
    };
  }

  /**
   * Ends a job the service may have: cancels it there, then calls `end` with what came of that. If the job turns out to have
   * ended at the service before, that is how it ends here.
   */
  async endAtService(admitted: Admitted, end: (told: string) => void): Promise<void> {
    const { job } = this;
    const { service } = job.request;
    this.explain(`Canceling at ${service}.`);
    job.cancelAsked = true;
    const canceling = await endOf(
      cancelActivities(this.passage(admitted), admitted.policy).cancelJob(this.about(admitted)),
    );
    const late = job.takeTrusted();
    if (late !== undefined) job.observe(late);
    if ('failed' in canceling) {
      end(`${service} could not be told: ${canceling.failed.message}`);
      return;
    }
    const { externalId, observation } = canceling.answer;
    job.externalId = externalId ?? job.externalId;
    if (observation === null) {
      end(`${service} has no such job.`);
      return;
    }
    if (observation.state === 'COMPLETED' || observation.state === 'FAILED') job.observe(observation);
    else job.observation = observation;
    end(`${service} was told and reports ${observation.word}.`);
  }
}
