import { condition } from '@temporalio/workflow';
import { endOf } from './activity-failure.ts';
import { chunkRead } from './batch-activities.ts';
import type { BatchedJob } from './batch-progress.ts';
import { pieces, type BatchRun } from './batch-run.ts';
import { admission } from './job-activities.ts';
import type { Admitted, JobProgress } from './job-progress.ts';

const CHUNK_JOBS = 100;
/** Pauses between two looks whether a chunk can be dropped, in milliseconds. */
const DROP_PAUSE_MS = { first: 1_000, factor: 2, longest: 300_000 } as const;

/** Ends every job on request: at the service, where that may have it. */
export async function withdrawAll(run: BatchRun): Promise<void> {
  await dropSubmits(run);
  await withdraw(run, [...run.progress.open.values()]);
}

/** Ends those that somebody asked for by key, as soon as they are in no chunk under way. */
export async function withdrawAsked(run: BatchRun): Promise<void> {
  for (;;) {
    const asked = [...run.progress.open.values()].filter((one) => one.cancelRequested && !one.isSubmitting);
    if (asked.length === 0) return;
    for (const one of asked) one.cancelRequested = false;
    await withdraw(run, asked);
  }
}

async function withdraw(run: BatchRun, jobs: readonly BatchedJob[]): Promise<void> {
  const sent: BatchedJob[] = [];
  for (const batched of jobs) {
    if (maybeSent(batched)) sent.push(batched);
    else {
      batched.job.withdraw('Canceled before it was sent.');
      run.progress.settle(batched, Date.now());
    }
  }
  await endAtService(run, sent, (job, told) => job.withdraw(`Canceled on request. ${told}`));
}

/** Ends the jobs whose time is up and that are in no chunk under way. @returns when the next one's is, epoch milliseconds */
export async function expire(run: BatchRun): Promise<number> {
  let nextMs = Infinity;
  const late: BatchedJob[] = [];
  for (const batched of run.progress.open.values()) {
    const { admitted } = batched.job;
    if (admitted === undefined || batched.isSubmitting) continue;
    const atMs = run.deadlineAtMs(admitted);
    if (atMs > Date.now()) nextMs = Math.min(nextMs, atMs);
    else if (maybeSent(batched)) late.push(batched);
    else {
      batched.job.giveUp(
        'DEADLINE_EXCEEDED',
        'The deadline passed before the job was sent. Nothing reached the service.',
      );
      run.progress.settle(batched, Date.now());
    }
  }
  await endAtService(run, late, (job, told) =>
    job.giveUp('DEADLINE_EXCEEDED', `The deadline passed while waiting. ${told}`),
  );
  return nextMs;
}

function maybeSent({ job, submit }: BatchedJob): boolean {
  return job.externalId !== null || submit?.mayHaveArrived === true;
}

/** Waits until no submit is under way; those of which nothing can have been sent are dropped. */
async function dropSubmits(run: BatchRun): Promise<void> {
  let pauseMs: number = DROP_PAUSE_MS.first;
  while (run.submits.size > 0) {
    for (const [activityId, { cancel }] of run.submits) {
      if (await admission.canDropSubmit(activityId)) cancel();
    }
    await condition(() => run.submits.size === 0, pauseMs, { summary: 'Cancel once no request is on its way' });
    pauseMs = Math.min(pauseMs * DROP_PAUSE_MS.factor, DROP_PAUSE_MS.longest);
  }
}

/**
 * Ends jobs the service may have: cancels them there, then calls `end` with what came of that. Jobs that turn out to have ended
 * at the service before end that way here, too.
 */
export async function endAtService(
  run: BatchRun,
  jobs: readonly BatchedJob[],
  end: (job: JobProgress, told: string) => void,
): Promise<void> {
  const groups = new Map<Admitted, BatchedJob[]>();
  for (const batched of jobs) {
    const { admitted } = batched.job;
    if (admitted !== undefined) groups.set(admitted, [...(groups.get(admitted) ?? []), batched]);
  }
  const chunks = [...groups].flatMap(([admitted, group]) =>
    pieces(group, CHUNK_JOBS).map((chunk) => cancelChunk(run, admitted, chunk, end)),
  );
  await Promise.all(chunks);
}

async function cancelChunk(
  run: BatchRun,
  admitted: Admitted,
  chunk: readonly BatchedJob[],
  end: (job: JobProgress, told: string) => void,
): Promise<void> {
  const { service } = run.progress.input;
  const { policy } = admitted;
  const call = {
    lane: run.lane(admitted),
    policy,
    leftMs: policy.cancelTimeoutMs,
    activityId: run.nextId('cancel'),
    summary: `Cancel ${chunk.length} jobs at ${service}`,
  };
  for (const { job } of chunk) job.cancelAsked = true;
  const canceling = await endOf(
    chunkRead(call).cancelChunk({
      ...run.common(admitted),
      deadlineAtMs: Date.now() + policy.cancelTimeoutMs,
      jobs: chunk.map(({ job: { request, externalId } }) => ({
        key: request.key,
        generation: request.generation,
        unit: request.unit,
        externalId,
      })),
    }),
  );
  for (const [at, batched] of chunk.entries()) {
    const { job } = batched;
    const told =
      'failed' in canceling
        ? { failed: canceling.failed.message }
        : (canceling.answer.ends[at] ?? { failed: 'unknown' });
    if ('failed' in told) end(job, `${service} could not be told: ${told.failed}`);
    else {
      const { externalId, observation } = told;
      job.externalId = externalId ?? job.externalId;
      if (observation === null) end(job, `${service} has no such job.`);
      else {
        if (observation.state === 'COMPLETED' || observation.state === 'FAILED') job.observe(observation);
        else job.observation = observation;
        end(job, `${service} was told and reports ${observation.word}.`);
      }
    }
    run.progress.settle(batched, Date.now());
  }
}
