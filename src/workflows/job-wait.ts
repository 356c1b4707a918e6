import { condition, sleep } from '@temporalio/workflow';
import type { Polled, ReadActivities } from '../contracts/activities.ts';
import { endOf, type End } from './activity-failure.ts';
import { readActivities, type ReadWhat } from './job-activities.ts';
import type { Admitted } from './job-progress.ts';
import type { JobRun } from './job-run.ts';

const POLL_ACTIVITY = 'poll';

/** A look at the service under way. */
interface Look {
  end?: End<Polled>;
}

/** From acceptance to a terminal state: webhooks raced against polling, until the deadline or a cancellation. */
export async function waitForEnd(run: JobRun, admitted: Admitted, externalId: string): Promise<void> {
  const { job } = run;
  const { service } = job.request;
  let poll: Look | undefined;
  let fetch: Look | undefined;

  const look = (what: ReadWhat, ask: (activities: ReadActivities) => Promise<Polled>): Look => {
    const started: Look = {};
    const looking = endOf(ask(readActivities(run.passage(admitted), admitted.policy, run.leftMs(admitted), what)));
    const settle = async (): Promise<void> => {
      const end = await looking;
      // Told to wait past the deadline, it ends at once. A webhook may still come in time.
      if ('failed' in end && end.failed.outOfTime && Date.now() < run.deadlineAtMs(admitted)) {
        run.explain(`${end.failed.message} That is after the deadline: only a webhook can end the job in time.`);
        await sleep(run.leftMs(admitted), { summary: 'Deadline' });
      }
      started.end = end;
    };
    void settle();
    return started;
  };
  const request = { ...run.about(admitted), externalId };
  const startPoll = (): Look => {
    run.explain(`Polling ${service}; a webhook would end the wait.`);
    return look({ activityId: POLL_ACTIVITY, summary: `Poll ${service} for ${externalId}` }, ({ pollJob }) =>
      pollJob(request),
    );
  };
  // A poll that is pending stays so: it is dropped with the workflow, and cancelling it would only cost history.
  const startFetch = (): Look => {
    const state = job.takeHint();
    run.explain(`A webhook says ${state}: asking ${service} for the truth.`);
    const earlier = poll === undefined ? {} : { earlierPollActivityId: POLL_ACTIVITY };
    return look({ activityId: 'fetch', summary: `Fetch ${externalId}: a webhook says ${state}` }, ({ fetchResult }) =>
      fetchResult({ ...request, ...earlier }),
    );
  };

  const graceMs = Math.min(admitted.policy.poll.graceMs, run.leftMs(admitted));
  const interrupted = (): boolean => job.hasTrusted || job.hasHint || run.cancelRequested;
  if (graceMs > 0 && !interrupted()) {
    run.explain(`Waiting for ${service}'s webhook; polling begins if none comes within ${graceMs} ms.`);
    await condition(interrupted, graceMs, { summary: `Webhook of ${service}, else poll` });
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
      const hasNews = (): boolean =>
        fetch === undefined ? interrupted() : fetch.end !== undefined || job.hasTrusted || run.cancelRequested;
      await condition(() => hasNews() || poll?.end !== undefined);
    }
  }
  if (!job.over) await run.endAtService(admitted, (told) => job.withdraw(`Canceled on request. ${told}`));
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
