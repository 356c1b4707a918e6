import { sleep } from '@temporalio/workflow';
import type { Glanced, Polled, ReadActivities, ReadRequest } from '../contracts/activities.ts';
import { endedBy, type End } from './activity-failure.ts';
import { glanceActivities, readActivities, type ReadWhat } from './job-activities.ts';
import type { Admitted } from './job-progress.ts';
import type { Followed, JobRun } from './job-run.ts';

const POLL_ACTIVITY = 'poll';

/** From acceptance to a terminal state: webhooks raced against polling, until the deadline or a cancellation. */
export async function waitForEnd(run: JobRun, admitted: Admitted, externalId: string): Promise<void> {
  const { job } = run;
  const { service } = job.request;
  let poll: Followed<Polled> | undefined;
  let fetch: Followed<Polled> | undefined;

  const look = (what: ReadWhat, ask: (activities: ReadActivities) => Promise<Polled>): Followed<Polled> =>
    run.follow(ask(readActivities(run.passage(admitted), admitted.policy, run.leftMs(admitted), what)), (failed) => {
      if (!failed.outOfTime || Date.now() >= run.deadlineAtMs(admitted)) return undefined;
      // Told to wait past the deadline, it ends at once. A webhook may still come in time.
      run.explain(`${failed.message} That is after the deadline: only a webhook can end the job in time.`);
      return sleep(run.leftMs(admitted), { summary: 'Deadline' });
    });
  const request = { ...run.about(admitted), externalId };
  const startPoll = (): Followed<Polled> => {
    run.explain(`Polling ${service}; a webhook would end the wait.`);
    return look({ activityId: POLL_ACTIVITY, summary: `Poll ${service} for ${externalId}` }, ({ pollJob }) =>
      pollJob(request),
    );
  };
  // A poll that is pending stays so: it is dropped with the workflow, and cancelling it would only cost history.
  const startFetch = (): Followed<Polled> => {
    const state = job.takeHint();
    run.explain(`A webhook says ${state}: asking ${service} for the truth.`);
    const earlier = poll === undefined ? {} : { earlierPollActivityId: POLL_ACTIVITY };
    // Beside a poll there is no glance: what that poll has sent, it could not tell.
    const glanceMs = poll === undefined ? admitted.policy.poll.glanceMs : undefined;
    const what = { activityId: 'fetch', summary: `Fetch ${externalId}: a webhook says ${state}` };
    return look(what, ({ fetchResult }) => {
      const ask = (): Promise<Polled> => fetchResult({ ...request, ...earlier });
      return glanceMs === undefined ? ask() : glanceOrElse(glanceMs, request, ask);
    });
  };

  const graceMs = Math.min(admitted.policy.poll.graceMs, run.leftMs(admitted));
  const interrupted = (): boolean => job.hasTrusted || job.hasHint || run.cancelRequested;
  if (graceMs > 0 && !interrupted()) {
    run.explain(`Waiting for ${service}'s webhook; polling begins if none comes within ${graceMs} ms.`);
    // Jobs from before there were glances canceled it: their histories tell.
    const cancels = admitted.policy.poll.glanceMs === undefined;
    await run.until(interrupted, graceMs, `Webhook of ${service}, else poll`, cancels);
  }
  while (!job.over && !run.cancelRequested) {
    const trusted = job.takeTrusted();
    const end = fetch?.end ?? poll?.end;
    if (trusted !== undefined) job.observe(trusted);
    else if (end !== undefined) {
      fetch = undefined;
      await takeOver(run, admitted, end);
    } else if (fetch === undefined && job.hasHint) fetch = startFetch();
    else {
      if (fetch === undefined) poll ??= startPoll();
      await run.news();
    }
  }
  if (!job.over) await run.endAtService(admitted, (told) => job.withdraw(`Canceled on request. ${told}`));
}

/** One look at once, where this worker can; what it does not find out is left to `fetch`. */
async function glanceOrElse(glanceMs: number, request: ReadRequest, fetch: () => Promise<Polled>): Promise<Polled> {
  const { observation, polls } = await glanceActivities(glanceMs).glance(request).catch(noGlance);
  if (observation !== null && observation.state !== 'PROCESSING') return { observation, polls };
  const polled = await fetch();
  return { ...polled, polls: polled.polls + polls };
}

/** It ran out of time: whether it asked, nobody knows. */
function noGlance(error: unknown): Glanced {
  endedBy(error);
  return { observation: null, polls: 1 };
}

/** Takes over what a look came back with, or why it could not. */
async function takeOver(run: JobRun, admitted: Admitted, end: End<Polled>): Promise<void> {
  const { job } = run;
  if ('answer' in end) {
    job.polls += end.answer.polls;
    job.observe(end.answer.observation);
  } else if (end.failed.outOfTime) {
    const { message } = end.failed;
    await run.endAtService(admitted, (told) =>
      job.giveUp('DEADLINE_EXCEEDED', `The deadline passed while waiting. ${told} Last: ${message}`),
    );
  } else job.giveUp(end.failed.code, end.failed.message);
}
