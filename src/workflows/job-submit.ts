import { CancellationScope } from '@temporalio/workflow';
import type { Submitted } from '../contracts/jobs.ts';
import type { End, Failed } from './activity-failure.ts';
import { admission, submitActivities } from './job-activities.ts';
import type { Admitted } from './job-progress.ts';
import type { Followed, JobRun } from './job-run.ts';

/** Pauses between two looks whether a submit can be dropped, in milliseconds. */
const DROP_PAUSE_MS = { first: 1_000, factor: 2, longest: 300_000 } as const;

/** Submits the job: ends with the service's acceptance, with `readmit`, or with `undefined` once the job is over. */
export async function submitJob(
  run: JobRun,
  admitted: Admitted,
  activityId: string,
): Promise<Submitted | 'readmit' | undefined> {
  const { job } = run;
  if (run.deadlineAtMs(admitted) <= Date.now()) {
    job.giveUp('DEADLINE_EXCEEDED', 'The deadline passed before the job was sent. Nothing reached the service.');
    return undefined;
  }
  const { submit, drop } = startSubmit(run, admitted, activityId);
  while (submit.end === undefined && !run.cancelRequested) await run.news();
  const end = submit.end ?? (await dropOrAwait(run, submit, drop, activityId));
  if ('answer' in end) return end.answer;
  if (end.failed.readmit) return 'readmit';
  await endUnsubmitted(run, admitted, end.failed);
  return undefined;
}

function startSubmit(run: JobRun, admitted: Admitted, activityId: string) {
  const { service, key, generation, unit, input, tags } = run.job.request;
  run.explain(`Submitting to ${service} (route ${admitted.route}: ${admitted.reason}).`);
  const scope = new CancellationScope();
  const submitting = scope.run(() =>
    submitActivities(run.passage(admitted), admitted.policy, run.leftMs(admitted), activityId).submitJob({
      service,
      key,
      generation,
      unit,
      input,
      route: admitted.route,
      revision: admitted.revision,
      deadlineAtMs: run.deadlineAtMs(admitted),
      ...(tags === undefined ? {} : { tags }),
    }),
  );
  return { submit: run.follow(submitting), drop: () => scope.cancel() };
}

/**
 * A cancellation drops the submit only where nothing can have been sent. A request that may be on its way is awaited, so that
 * the service can be told to cancel what came of it.
 */
async function dropOrAwait(
  run: JobRun,
  submit: Followed<Submitted>,
  drop: () => void,
  activityId: string,
): Promise<End<Submitted>> {
  const { first, factor, longest } = DROP_PAUSE_MS;
  for (let pauseMs: number = first; submit.end === undefined; pauseMs = Math.min(pauseMs * factor, longest)) {
    run.explain('Cancellation requested: waiting for the request that may be on its way.');
    if (await admission.canDropSubmit(activityId)) {
      drop();
      break;
    }
    await run.until(() => submit.end !== undefined, pauseMs, 'Cancel once no request is on its way', true);
  }
  while (submit.end === undefined) await run.news();
  return submit.end;
}

async function endUnsubmitted(run: JobRun, admitted: Admitted, failed: Failed): Promise<void> {
  const { job } = run;
  const { service } = job.request;
  const late = failed.outOfTime || failed.code === 'DEADLINE_EXCEEDED';
  if (!failed.canceled && !late) {
    job.giveUp(failed.code, failed.message);
    return;
  }
  const end = (told: string): void => {
    if (failed.canceled) job.withdraw(told);
    else job.giveUp('DEADLINE_EXCEEDED', `The deadline passed while submitting. ${told} Last: ${failed.message}`);
  };
  if (failed.mayHaveArrived) {
    await run.endAtService(admitted, (told) => end(`A request may have reached ${service}. ${told}`));
  } else end(failed.canceled ? 'Canceled before it was sent.' : `Nothing reached ${service}.`);
}
