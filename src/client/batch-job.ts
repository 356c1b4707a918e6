import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { BATCH_JOB_QUERY, type BatchInput, type BatchJobStatus, type BatchOutcome } from '../contracts/batch.ts';
import type { JobOutcome } from '../contracts/jobs.ts';
import { mayHold } from '../rules/key-filter.ts';
import { createPartReader } from './batch-pages.ts';
import { listParts, partsQuery, type PartInfo } from './batch-parts.ts';
import { translating } from './errors.ts';
import { firstArgument } from './first-argument.ts';

/** A job inside a batch. */
export interface BatchJobFound {
  readonly batch: string;
  readonly part: number;
  readonly workflowId: string;
  readonly unit: string;
  readonly startedMs: number;
  /** `null` when it is under way and no worker is there to say how it stands. */
  readonly status: BatchJobStatus | null;
}

const QUERY_TIMEOUT_MS = 3_000;

/**
 * Finds the batches that have a job with a key, the latest first: each part says in its memo which keys it may have, and only
 * those are looked into. A key may be in several batches.
 * @throws PlaybookError TEMPORAL_UNREACHABLE
 */
export async function findBatchJobs(client: Client, service: string, key: string): Promise<readonly BatchJobFound[]> {
  const found: BatchJobFound[] = [];
  for await (const part of listParts(client, partsQuery(service))) {
    if (!mayHold(part.memo.keys, key)) continue;
    const { jobs } = await firstArgument<BatchInput>(client, part.workflowId, part.firstRunId);
    const job = jobs.find((one) => one.key === key);
    if (job === undefined) continue;
    const { batch, part: nth } = part.memo;
    const { workflowId, startedMs } = part;
    const status = await statusOf(client, service, part, key);
    found.push({ batch, part: nth, workflowId, unit: job.unit ?? key, startedMs, status });
  }
  return found.toSorted((a, b) => b.startedMs - a.startedMs);
}

async function statusOf(client: Client, service: string, part: PartInfo, key: string): Promise<BatchJobStatus | null> {
  if (part.running) return ask(client, part, key);
  const { batch: name, part: nth } = part.memo;
  const reader = createPartReader(client, { service, name, part: nth });
  for (let page = await reader.next(); page !== undefined; page = await reader.next()) {
    const outcome = page.find((one) => one.key === key);
    if (outcome !== undefined) return statusOfOutcome(outcome);
  }
  return null;
}

async function ask(client: Client, { workflowId }: PartInfo, key: string): Promise<BatchJobStatus | null> {
  try {
    return await client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      translating(() =>
        client.workflow.getHandle(workflowId).query<BatchJobStatus | null, [string]>(BATCH_JOB_QUERY, key),
      ),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw error;
    return null;
  }
}

function statusOfOutcome(outcome: JobOutcome): BatchJobStatus {
  const { service: _service, workflowId: _id, ...packed } = outcome;
  const { key, generation, state, externalId, route, polls, webhooks } = packed;
  const kept: BatchOutcome = packed;
  return { key, generation, state, externalId, route, polls, webhooks, outcome: kept };
}
