import { CancellationScope, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { CancelRequest } from '../contracts/activities.ts';
import { laneOf } from '../contracts/queues.ts';
import { endOf, endedBy, type End, type Failed } from './activity-failure.ts';
import { cancelActivities, type Passage } from './job-activities.ts';
import { describeJob } from './job-details.ts';
import type { Admitted, JobProgress } from './job-progress.ts';

/** An activity under way; `end` is there once it has ended. */
export interface Followed<Answer> {
  end?: End<Answer>;
}

/**
 * One run of a job's workflow: what its phases share.
 *
 * Its waits are promises of its own rather than `condition`, which costs a call into the workflow's sandbox for each that comes
 * true, and with a time-out some fifteen promises, whose stack traces the SDK keeps: a tenth of a worker's time for a job.
 */
export class JobRun {
  /** Somebody asked for the job to be canceled. */
  cancelRequested = false;
  private wake: (() => void) | undefined;
  readonly job: JobProgress;

  constructor(job: JobProgress) {
    this.job = job;
  }

  /** Something happened that whoever waits has to look at. */
  readonly tell = (): void => {
    this.wake?.();
    this.wake = undefined;
  };

  /** Resolves at the next news. What happened before is to be looked at first; one waits at a time. */
  news(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /**
   * Waits until something is so, for so many milliseconds at most. The timer goes on and ends with the workflow, if it does not
   * fire before: cancelling it would only cost history.
   * @param cancels cancels it nevertheless
   */
  async until(isSo: () => boolean, atMostMs: number, summary: string, cancels = false): Promise<void> {
    const time = { isUp: false };
    const up = (): void => {
      time.isUp = true;
      this.tell();
    };
    const scope = cancels ? new CancellationScope() : undefined;
    const start = (): Promise<void> => sleep(atMostMs, { summary });
    void (scope?.run(start) ?? start()).then(up, () => undefined);
    while (!time.isUp && !isSo()) await this.news();
    scope?.cancel();
  }

  /**
   * Follows an activity to its end, and tells when it is there.
   * @param hold how long a failure is kept back
   */
  follow<Answer>(activity: Promise<Answer>, hold?: (failed: Failed) => Promise<void> | undefined): Followed<Answer> {
    const followed: Followed<Answer> = {};
    const settle = (end: End<Answer>): void => {
      followed.end = end;
      this.tell();
    };
    void activity.then(
      (answer) => settle({ answer }),
      (error: unknown) => {
        const end = endedBy(error);
        const held = hold?.(end.failed);
        if (held === undefined) settle(end);
        else void held.then(() => settle(end));
      },
    );
    return followed;
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
