import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { CANCEL_JOBS_SIGNAL } from '../contracts/batch.ts';
import { PlaybookError } from '../contracts/errors.ts';
import type { JobOutcome } from '../contracts/jobs.ts';
import { EXTERNAL_JOB_WORKFLOW } from '../contracts/messages.ts';
import { isTerminal } from '../contracts/states.ts';
import { statusInBatch, type BatchJobPlace } from './batch-job.ts';
import { createPartReader } from './batch-pages.ts';
import { translating } from './errors.ts';
import { fingerprint } from './fingerprint.ts';
import { notRetryable, type JobHandle } from './job-handle.ts';
import type { JobSnapshot } from './job-snapshot.ts';
import { jobStart } from './job-start.ts';
import { within } from './within.ts';

/** What can be done with a job, whether it runs alone or in a batch. */
export type FoundJob = Omit<JobHandle<unknown>, 'waitUntilAccepted'>;

/** Handle of a job inside a batch. Its retry runs alone. */
export function createBatchJobHandle(client: Client, service: string, place: BatchJobPlace): FoundJob {
  const { part, job } = place;
  const { key, unit = key, input } = job;
  const { workflowId, memo } = part;

  const outcome = async (): Promise<JobOutcome> => {
    const reader = createPartReader(client, { service, name: memo.batch, part: memo.part });
    for (let page = await reader.next(); page !== undefined; page = await reader.next()) {
      const found = page.find((one) => one.key === key);
      if (found !== undefined) return found;
    }
    throw new PlaybookError('INTERNAL', `${workflowId} ended without an outcome of ${key}.`);
  };

  const status = async (): Promise<JobSnapshot> => {
    const known = await statusInBatch(client, service, place);
    const ended = known?.outcome ?? null;
    return {
      service,
      key,
      generation: known?.generation ?? job.generation ?? 1,
      workflowId,
      runId: part.runId,
      // What a job begins as, where nobody is there to say more.
      state: known?.state ?? 'CREATED',
      externalId: known?.externalId ?? null,
      route: known?.route ?? null,
      unit,
      errorCode: ended?.error?.code ?? null,
      startedAt: new Date(part.startedMs).toISOString(),
      closedAt: ended === null ? null : new Date(part.startedMs + ended.latencyMs).toISOString(),
      latencyMs: ended?.latencyMs ?? null,
      costMicros: ended?.costMicros ?? null,
    };
  };

  return {
    service,
    key,
    workflowId,

    result: async ({ maxWaitMs } = {}) =>
      (await within(client, maxWaitMs, outcome)) ?? { state: 'PENDING', service, key, workflowId },

    status,

    detail: async () => {
      const known = await statusInBatch(client, service, place);
      const { generation, state, externalId, route } = await status();
      const { polls = 0, webhooks = 0 } = known ?? {};
      const activity = `In batch ${memo.batch}.`;
      return { service, key, generation, workflowId, state, externalId, route, polls, webhooks, activity };
    },

    cancel: async () => {
      if (!part.running || isTerminal((await status()).state)) return;
      const asking = translating(() => client.workflow.getHandle(workflowId).signal(CANCEL_JOBS_SIGNAL, [key]));
      await asking.catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error; // it ended since
      });
    },

    retry: async () => {
      const { state, generation } = await status();
      if (state !== 'FAILED' && state !== 'CANCELED') throw notRetryable({ workflowId: `${service}/${key}`, state });
      const tags = memo.tags === undefined ? {} : { tags: memo.tags };
      const request = {
        service,
        key,
        generation: generation + 1,
        unit,
        input,
        fingerprint: fingerprint(input),
        ...tags,
      };
      try {
        await translating(() => client.workflow.start(EXTERNAL_JOB_WORKFLOW, jobStart(request)));
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        throw notRetryable({ workflowId: `${service}/${key}`, state: 'PROCESSING' });
      }
    },
  };
}
