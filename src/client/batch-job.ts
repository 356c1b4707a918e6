import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import {
  BATCH_JOB_QUERY,
  type BatchInput,
  type BatchJob,
  type BatchJobStatus,
  type BatchOutcome,
} from '../contracts/batch.ts';
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

/** Where a job of a batch is, and what it was started with. */
export interface BatchJobPlace {
  readonly part: PartInfo;
  readonly job: BatchJob;
}

const QUERY_TIMEOUT_MS = 3_000;

/**
 * Finds the batches that have a job with a key, the latest first: each part says in its memo which keys it may have, and only
 * those are looked into. A key may be in several batches.
 * @throws PlaybookError TEMPORAL_UNREACHABLE
 */
export async function findBatchJobs(client: Client, service: string, key: string): Promise<readonly BatchJobFound[]> {
  const found: BatchJobFound[] = [];
  for (const place of await placesOf(client, service, key)) {
    const { workflowId, startedMs, memo } = place.part;
    const status = await statusInBatch(client, service, place);
    found.push({ batch: memo.batch, part: memo.part, workflowId, unit: place.job.unit ?? key, startedMs, status });
  }
  return found;
}

/** Where a key is in batches, the latest first. @throws PlaybookError TEMPORAL_UNREACHABLE */
export async function placesOf(client: Client, service: string, key: string): Promise<readonly BatchJobPlace[]> {
  const places: BatchJobPlace[] = [];
  await translating(async () => {
    for await (const part of listParts(client, partsQuery(service))) {
      if (!mayHold(part.memo.keys, key)) continue;
      const { jobs } = await firstArgument<BatchInput>(client, part.workflowId, part.firstRunId);
      const job = jobs.find((one) => one.key === key);
      if (job !== undefined) places.push({ part, job });
    }
  });
  return places.toSorted((a, b) => b.part.startedMs - a.part.startedMs);
}

/** How a job of a batch stands; `null` when it is under way and no worker is there to say. */
export async function statusInBatch(
  client: Client,
  service: string,
  { part, job: { key } }: BatchJobPlace,
): Promise<BatchJobStatus | null> {
  if (part.running) {
    const asked = await ask(client, part, key);
    // It ended in an earlier run, which the present one does not know: what came of it is there to be read.
    if (asked !== null) return asked ?? null;
  }
  const { batch: name, part: nth } = part.memo;
  const reader = createPartReader(client, { service, name, part: nth });
  for (let page = await reader.next(); page !== undefined; page = await reader.next()) {
    const outcome = page.find((one) => one.key === key);
    if (outcome !== undefined) return statusOfOutcome(outcome);
  }
  return null;
}

/** @returns `undefined` when nobody answers */
async function ask(client: Client, { workflowId }: PartInfo, key: string): Promise<BatchJobStatus | null | undefined> {
  try {
    return await client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      translating(() =>
        client.workflow.getHandle(workflowId).query<BatchJobStatus | null, [string]>(BATCH_JOB_QUERY, key),
      ),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw error;
    return undefined;
  }
}

function statusOfOutcome(outcome: JobOutcome): BatchJobStatus {
  const { service: _service, workflowId: _id, ...packed } = outcome;
  const { key, generation, state, externalId, route, polls, webhooks } = packed;
  const kept: BatchOutcome = packed;
  return { key, generation, state, externalId, route, polls, webhooks, outcome: kept };
}
