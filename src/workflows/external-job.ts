import { CancelledFailure } from '@temporalio/common';
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobAccepted, JobOutcome, JobRequest, JobStatus, WebhookHint } from '../contracts/jobs.ts';
import { ACCEPTED_UPDATE, STATUS_QUERY, WEBHOOK_SIGNAL } from '../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { admission } from './job-activities.ts';
import { recordEnd, recordWebhook } from './job-metrics.ts';
import { JobProgress, type Admitted } from './job-progress.ts';
import { JobRun } from './job-run.ts';
import { submitJob } from './job-submit.ts';
import { waitForEnd } from './job-wait.ts';

const webhookSignal = defineSignal<[WebhookHint]>(WEBHOOK_SIGNAL);
const statusQuery = defineQuery<JobStatus>(STATUS_QUERY);
const acceptedUpdate = defineUpdate<JobAccepted, [string]>(ACCEPTED_UPDATE);

/**
 * One job at an external service: admit → submit → wait → done.
 *
 * COMPLETED returns the outcome; FAILED fails the workflow with the registry's code as type and the outcome as detail; a job
 * canceled on request ends the workflow as canceled. So the Web UI's own status column tells how jobs ended.
 */
export async function externalJob(request: JobRequest): Promise<JobOutcome> {
  const { workflowId, startTime } = workflowInfo();
  const run = new JobRun(new JobProgress(request, workflowId, startTime.getTime()));
  listen(run);
  // Cancellation is a step of the job, not the end of its code: the service has to be told.
  CancellationScope.current().cancelRequested.catch(() => {
    run.cancelRequested = true;
    run.tell();
  });
  return CancellationScope.nonCancellable(async () => {
    await toItsEnd(run);
    const outcome = close(run);
    if (!allHandlersFinished()) await condition(allHandlersFinished);
    return ended(outcome);
  });
}

function listen(run: JobRun): void {
  const { job } = run;
  setHandler(webhookSignal, (hint) => {
    recordWebhook(job.request.service, hint, Date.now());
    job.hinted(hint);
    run.tell();
  });
  setHandler(statusQuery, () => job.status());
  setHandler(acceptedUpdate, () => CancellationScope.nonCancellable(() => accepted(job)), {
    validator: (fingerprint) => {
      if (fingerprint === job.request.fingerprint) return;
      throw ApplicationFailure.nonRetryable(
        `Key ${job.request.key} belongs to a job with other input. Use a new key.`,
        'IDEMPOTENCY_KEY_REUSED',
      );
    },
  });
  run.explain('Asking for admission.');
}

async function accepted(job: JobProgress): Promise<JobAccepted> {
  await condition(() => job.externalId !== null || job.over);
  if (job.externalId === null) {
    const { code, message } = job.error ?? { code: 'INTERNAL', message: 'The job ended without an external id.' };
    throw ApplicationFailure.nonRetryable(message, code);
  }
  return { workflowId: job.workflowId, externalId: job.externalId, state: job.state };
}

async function toItsEnd(run: JobRun): Promise<void> {
  const { job } = run;
  for (let round = 1; ; round += 1) {
    const decision = await admission.admit(job.request);
    if (!decision.admitted) return job.giveUp(decision.code, decision.reason);
    publishStage(job, decision);
    job.admitted = decision;
    if (run.cancelRequested) return job.withdraw('Canceled before it was sent.');
    const submitted = await submitJob(run, decision, `submit-${round}`);
    if (submitted === 'readmit') continue;
    if (submitted === undefined) return;
    job.accept(submitted);
    if (job.over) return;
    publish(job);
    return waitForEnd(run, decision, submitted.externalId);
  }
}

/** Publishes how it ended. */
function close(run: JobRun): JobOutcome {
  const { job } = run;
  const outcome = job.outcome(Date.now());
  const { error } = outcome;
  publish(job, outcome);
  recordEnd(outcome);
  run.explain(error === null ? 'Done.' : `${error.code}: ${error.message}`);
  return outcome;
}

/** Ends the workflow as its job ended. */
function ended(outcome: JobOutcome): JobOutcome {
  const { error } = outcome;
  if (error === null) return outcome;
  if (error.code === 'CANCELED') throw new CancelledFailure(error.message);
  throw ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: true,
    details: [outcome],
  });
}

/**
 * Where a rollout is under way a job shows its stage from its admission on: one that hangs before it is accepted is slow, too.
 * Without a rollout that would be one more action for nothing.
 */
function publishStage({ admitted: before }: JobProgress, { stage, route, showsStage }: Admitted): void {
  if (stage === before?.stage && (stage === undefined || route === before?.route)) return;
  if (!showsStage) return;
  const { stage: stageKey, route: routeKey } = SEARCH_ATTRIBUTES;
  upsertSearchAttributes([
    { key: routeKey, value: route },
    { key: stageKey, value: stage ?? null },
  ]);
}

/** Search attributes: all that is known of the job by now, so that a job that ends early has them, too. */
function publish(job: JobProgress, outcome?: JobOutcome): void {
  const { externalId, admitted, state } = job;
  const { state: stateKey, externalId: idKey, route, stage, latencyMs, costMicros, errorCode } = SEARCH_ATTRIBUTES;
  upsertSearchAttributes([
    { key: stateKey, value: state },
    ...(externalId === null ? [] : [{ key: idKey, value: externalId }]),
    ...(admitted === undefined ? [] : [{ key: route, value: admitted.route }]),
    ...(admitted?.stage === undefined ? [] : [{ key: stage, value: admitted.stage }]),
    ...(outcome === undefined
      ? []
      : [
          { key: latencyMs, value: outcome.latencyMs },
          { key: costMicros, value: outcome.costMicros },
        ]),
    ...(outcome?.error ? [{ key: errorCode, value: outcome.error.code }] : []),
  ]);
}
