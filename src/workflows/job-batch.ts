import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  BATCH_JOB_QUERY,
  CANCEL_JOBS_SIGNAL,
  OUTCOMES_QUERY,
  WEBHOOKS_SIGNAL,
  type BatchHint,
  type BatchInput,
  type BatchJobStatus,
  type BatchOutcome,
  type BatchResult,
} from '../contracts/batch.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { expire, withdrawAll, withdrawAsked } from './batch-end.ts';
import { BatchLooks } from './batch-look.ts';
import { BatchProgress } from './batch-progress.ts';
import { BatchRun } from './batch-run.ts';
import { admitUnsent, startSubmits } from './batch-submit.ts';
import { recordEnd, recordWebhook } from './job-metrics.ts';

const webhooksSignal = defineSignal<[readonly BatchHint[]]>(WEBHOOKS_SIGNAL);
const cancelJobsSignal = defineSignal<[readonly string[]]>(CANCEL_JOBS_SIGNAL);
const outcomesQuery = defineQuery<readonly BatchOutcome[], [number]>(OUTCOMES_QUERY);
const jobQuery = defineQuery<BatchJobStatus | null, [string]>(BATCH_JOB_QUERY);

/**
 * Some hundred jobs at an external service, each through the same states as one alone. What they share is bought by the chunk:
 * admission, submits, looks, webhooks. The workflow completes once all are over, however each of them ended; its result has
 * the outcomes, in the order the jobs ended. A run that has grown continues as new and leaves its outcomes in what it hands on.
 */
export async function jobBatch(input: BatchInput): Promise<BatchResult> {
  const { workflowId, startTime } = workflowInfo();
  const run = new BatchRun(new BatchProgress(input, workflowId, startTime.getTime(), recordEnd));
  const { progress } = run;
  setHandler(webhooksSignal, (hints) => {
    const nowMs = Date.now();
    for (const one of hints) {
      recordWebhook(input.service, one.hint, nowMs);
      progress.hinted(one, nowMs);
    }
    run.tell();
  });
  setHandler(cancelJobsSignal, (keys) => {
    for (const key of keys) {
      const batched = progress.open.get(key);
      if (batched !== undefined) batched.cancelRequested = true;
    }
    run.tell();
  });
  setHandler(outcomesQuery, (from) => progress.page.slice(Math.max(0, from - progress.earlier)));
  setHandler(jobQuery, (key) => progress.statusOf(key));
  // Cancellation is a step of the batch, not the end of its code: the service has to be told.
  CancellationScope.current().cancelRequested.catch(() => {
    run.cancelRequested = true;
    run.tell();
  });
  return CancellationScope.nonCancellable(async () => {
    await toItsEnd(run);
    await condition(allHandlersFinished);
    return { page: progress.page, ended: progress.earlier + progress.page.length, counts: progress.counts() };
  });
}

async function toItsEnd(run: BatchRun): Promise<void> {
  const { progress } = run;
  const looks = new BatchLooks(run);
  let stage: string | undefined;
  while (progress.open.size > 0) {
    if (run.cancelRequested) {
      looks.stop();
      await withdrawAll(run);
      continue;
    }
    run.wakeAt(await expire(run));
    await withdrawAsked(run);
    if (run.mustContinue) {
      if (run.submits.size === 0 && !looks.isFetching) {
        looks.stop();
        await condition(allHandlersFinished);
        await continueAsNew<typeof jobBatch>(progress.carry());
      }
    } else {
      await admitUnsent(run);
      stage = publishStage(run, stage);
      startSubmits(run);
      run.wakeAt(looks.start());
    }
    run.publish();
    if (progress.open.size > 0) await run.news();
  }
  looks.stop();
  run.publish();
}

/** The rollout's stage that jobs were admitted in, for those who read samples. */
function publishStage(run: BatchRun, published: string | undefined): string | undefined {
  for (const { job } of run.progress.open.values()) {
    const stage = job.admitted?.stage;
    if (stage === undefined || stage === published) continue;
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.stage, value: stage }]);
    return stage;
  }
  return published;
}
