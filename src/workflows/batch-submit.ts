import { CancellationScope } from '@temporalio/workflow';
import type { SubmitEnd } from '../contracts/batch.ts';
import { endOf, type Failed } from './activity-failure.ts';
import { batchAdmission, chunkSubmit } from './batch-activities.ts';
import { endAtService } from './batch-end.ts';
import { isUnsent, type BatchedJob } from './batch-progress.ts';
import { pieces, type BatchRun } from './batch-run.ts';
import type { Admitted } from './job-progress.ts';

/** Jobs of one activity: so many are repeated at most when its worker dies. */
const CHUNK_JOBS = 100;
/** Inputs of one activity, in characters of JSON. */
const CHUNK_CHARACTERS = 128 * 1024;

/** Decides where jobs go that have not been admitted yet, or have to be admitted anew. */
export async function admitUnsent(run: BatchRun): Promise<void> {
  const { progress } = run;
  const waiting = [...progress.open.values()].filter((batched) => isUnsent(batched) && !batched.job.admitted);
  if (waiting.length === 0) return;
  const units = waiting.map(({ job }) => job.request.unit);
  const { admissions, of } = await batchAdmission.admitMany({ service: progress.input.service, units });
  for (const [index, batched] of waiting.entries()) {
    const decision = admissions[of[index] ?? 0];
    if (decision === undefined) continue;
    if (decision.admitted) batched.job.admitted = decision;
    else batched.job.giveUp(decision.code, decision.reason);
    progress.settle(batched, Date.now());
  }
}

/** Submits all that can be submitted, in chunks; each tells the run as it ends. */
export function startSubmits(run: BatchRun): void {
  const nowMs = Date.now();
  if (nowMs < run.retryAtMs) return run.wakeAt(run.retryAtMs);
  for (const [admitted, jobs] of run.byAdmission(isUnsent)) {
    if (run.deadlineAtMs(admitted) <= nowMs) continue;
    for (const chunk of pieces(jobs, CHUNK_JOBS).flatMap(bySize)) startChunk(run, admitted, chunk);
  }
}

/** The same jobs in chunks whose inputs fit into one payload. */
function bySize(jobs: readonly BatchedJob[]): BatchedJob[][] {
  const chunks: BatchedJob[][] = [];
  let characters = Infinity;
  for (const job of jobs) {
    const size = JSON.stringify(job.job.request.input).length;
    if (characters + size > CHUNK_CHARACTERS) {
      chunks.push([]);
      characters = 0;
    }
    chunks.at(-1)?.push(job);
    characters += size;
  }
  return chunks;
}

function startChunk(run: BatchRun, admitted: Admitted, chunk: readonly BatchedJob[]): void {
  const { policy, revision } = admitted;
  const activityId = run.nextId('submit');
  const lane = run.lane(admitted);
  const leftMs = run.leftMs(admitted);
  const summary = `Submit ${chunk.length} jobs to ${lane}`;
  const scope = new CancellationScope({ cancellable: true });
  for (const batched of chunk) batched.isSubmitting = true;
  const submitting = async (): Promise<void> => {
    const end = await scope.run(() =>
      endOf(
        chunkSubmit({ lane, policy, leftMs, activityId, summary }).submitChunk({
          ...run.common(admitted),
          revision,
          jobs: chunk.map(({ job: { request }, submit }) => ({
            key: request.key,
            generation: request.generation,
            unit: request.unit,
            input: request.input,
            ...(submit === undefined ? {} : { submit }),
          })),
        }),
      ),
    );
    for (const batched of chunk) batched.isSubmitting = false;
    if ('failed' in end) await unsubmitted(run, admitted, chunk, end.failed);
    else {
      const { ends, retryInMs } = end.answer;
      if (retryInMs > 0) run.retryAtMs = Math.max(run.retryAtMs, Date.now() + retryInMs);
      await takeOver(run, admitted, chunk, ends);
    }
    run.submits.delete(activityId);
    run.tell();
  };
  run.submits.set(activityId, { cancel: () => scope.cancel() });
  void submitting();
}

async function takeOver(
  run: BatchRun,
  admitted: Admitted,
  chunk: readonly BatchedJob[],
  ends: readonly SubmitEnd[],
): Promise<void> {
  const nowMs = Date.now();
  const late: BatchedJob[] = [];
  for (const end of ends) {
    const batched = chunk[end.at];
    if (batched === undefined) continue;
    const { job } = batched;
    if ('submitted' in end) {
      job.accept(end.submitted);
      batched.dueMs = whenToLook(nowMs, admitted);
    } else if ('failed' in end) {
      const { code, message, mayHaveArrived } = end.failed;
      job.sent(end.requests);
      if (code === 'DEADLINE_EXCEEDED' && mayHaveArrived) late.push(batched);
      else job.giveUp(code, message);
    } else if ('readmit' in end) job.admitted = undefined;
    else batched.submit = end.left;
    run.progress.settle(batched, nowMs);
  }
  if (late.length === 0) return;
  await endAtService(run, late, (job, told) =>
    job.giveUp('DEADLINE_EXCEEDED', `The deadline passed while submitting. A request may have arrived. ${told}`),
  );
}

/** Whole seconds, so that jobs of one time are asked for together. */
function whenToLook(nowMs: number, { policy }: Admitted): number {
  const { graceMs } = policy.poll;
  return graceMs === 0 ? nowMs : Math.ceil((nowMs + graceMs) / 1_000) * 1_000;
}

/** A chunk ended without an answer: it was dropped, or ran out of time. */
async function unsubmitted(
  run: BatchRun,
  admitted: Admitted,
  chunk: readonly BatchedJob[],
  failed: Failed,
): Promise<void> {
  const isLate = failed.outOfTime || run.deadlineAtMs(admitted) <= Date.now();
  // Whoever drops a chunk has made sure that nothing of it was sent; a benign "nothing could be sent" says so, too.
  const mayHaveArrived = !failed.canceled && failed.code !== 'THROTTLED';
  if (failed.canceled && !mayHaveArrived && !isLate) return;
  const end = (job: BatchedJob['job'], told: string): void => {
    if (isLate)
      job.giveUp('DEADLINE_EXCEEDED', `The deadline passed while submitting. ${told} Last: ${failed.message}`);
    else job.giveUp(failed.code, `${failed.message} ${told}`);
  };
  if (mayHaveArrived) return endAtService(run, chunk, end);
  for (const batched of chunk) {
    end(batched.job, `Nothing reached ${run.progress.input.service}.`);
    run.progress.settle(batched, Date.now());
  }
}
