import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { batchWorkflowId } from '../contracts/batch.ts';
import type { JobOutcome } from '../contracts/jobs.ts';
import { createPartReader } from './batch-pages.ts';
import { listParts, memoOf, partsById, partsQuery } from './batch-parts.ts';
import { createBatchSum, type BatchView } from './batch-view.ts';
import { translating } from './errors.ts';

/** Many jobs under one name. */
export interface BatchHandle<Result> {
  readonly service: string;
  readonly name: string;
  /**
   * Counts by state, cost, failures by code; needs no worker. As visibility has them, which is a moment late; `exact` asks for
   * each part by its id instead.
   * @throws PlaybookError TEMPORAL_UNREACHABLE
   */
  readonly progress: (how?: { readonly exact?: boolean }) => Promise<BatchView>;
  /**
   * The outcome of every job that was accepted, each once, about in the order they end; ends after the last. Holds a few
   * parts at a time, whatever the number of jobs: what is not taken waits in Temporal. May be read as often as wanted.
   * @throws PlaybookError TEMPORAL_UNREACHABLE
   */
  readonly results: () => AsyncGenerator<JobOutcome<Result>, void>;
  /** Asks for all jobs that are not over to be canceled, here and at the service, and accepts no more. */
  readonly cancel: () => Promise<void>;
}

/** Parts whose results are awaited at once. */
const PARTS_AT_ONCE = 8;

/** What feeds a batch, where this process does. */
export interface Feeding {
  /** Resolves once the part is there (true), or the batch has no such part (false). */
  readonly hasPart: (part: number) => Promise<boolean>;
  readonly stop: () => void;
}

/** Handle of a batch by its name. */
export function createBatchHandle<Result>(
  client: Client,
  { service, name }: { readonly service: string; readonly name: string },
  feeding?: Feeding,
): BatchHandle<Result> {
  const hasPart = feeding?.hasPart ?? ((part: number) => isThere(client, batchWorkflowId({ service, name, part })));
  return {
    service,
    name,
    progress: ({ exact = false } = {}) => translating(() => progressOf(client, service, name, exact)),

    results: async function* () {
      type Got = { readonly part: number; readonly outcomes: readonly JobOutcome[] | undefined };
      const reading = new Map<number, { readonly next: () => Promise<Got>; got: Promise<Got> }>();
      let part = 0;
      let isLast = false;
      let coming: Promise<{ readonly coming: boolean }> | undefined;
      const open = (nth: number): void => {
        const reader = createPartReader(client, { service, name, part: nth });
        const next = async (): Promise<Got> => ({ part: nth, outcomes: await reader.next() });
        reading.set(nth, { next, got: next() });
      };
      for (;;) {
        if (!isLast && reading.size < PARTS_AT_ONCE) coming ??= hasPart(part).then((is) => ({ coming: is }));
        if (coming === undefined && reading.size === 0) return;
        const waiting: Promise<Got | { readonly coming: boolean }>[] = [...reading.values()].map(({ got }) => got);
        if (coming !== undefined) waiting.push(coming);
        const first = await Promise.race(waiting);
        if ('coming' in first) {
          coming = undefined;
          isLast = !first.coming;
          if (first.coming) open(part);
          part += 1;
          continue;
        }
        const entry = reading.get(first.part);
        if (first.outcomes === undefined || entry === undefined) reading.delete(first.part);
        else {
          yield* first.outcomes as readonly JobOutcome<Result>[];
          entry.got = entry.next();
        }
      }
    },

    cancel: async () => {
      feeding?.stop();
      await translating(async () => {
        // By their ids: one that was accepted a moment ago is not in visibility yet.
        for await (const { workflowId, running } of partsById(client, service, name)) {
          if (!running) continue;
          await client.workflow
            .getHandle(workflowId)
            .cancel()
            .catch((error: unknown) => {
              if (!(error instanceof WorkflowNotFoundError)) throw error; // it ended since
            });
        }
      });
    },
  };
}

async function isThere(client: Client, workflowId: string): Promise<boolean> {
  try {
    memoOf(await translating(() => client.workflow.getHandle(workflowId).describe()));
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function progressOf(client: Client, service: string, name: string, exact: boolean): Promise<BatchView> {
  const sum = createBatchSum();
  if (!exact) for await (const part of listParts(client, partsQuery(service, name))) sum.add(part);
  // Nothing yet: it was not asked, there is none, or it began a moment ago and visibility does not have it.
  if (sum.view().jobs === 0) for await (const part of partsById(client, service, name)) sum.add(part);
  return sum.view();
}
