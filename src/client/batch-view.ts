import type { Client } from '@temporalio/client';
import { parseBatchWorkflowId } from '../contracts/batch.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { JobState } from '../contracts/states.ts';
import { listParts, partsQuery, type PartInfo } from './batch-parts.ts';
import { translated } from './errors.ts';
import { quoted } from './quoted.ts';

/** How a batch stands, as visibility knows it: about two seconds late. */
export interface BatchView extends Readonly<Record<JobState, number>> {
  /** Jobs accepted so far. */
  readonly jobs: number;
  /** All of the batch's jobs are accepted. */
  readonly complete: boolean;
  /** Of the jobs that are over. */
  readonly costMicros: number;
  /** FAILED and CANCELED jobs by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** When the first was accepted and the last part ended, epoch milliseconds. */
  readonly startedMs: number | null;
  readonly closedMs: number | null;
  /** Cost attribution of all of them. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** One batch among others. */
export interface BatchSummary {
  readonly service: string;
  readonly name: string;
  readonly view: BatchView;
}

/** Which batches to list. */
export interface BatchFilter {
  readonly service?: string;
  /** With at least one job in this state. */
  readonly state?: JobState;
  /** Started for this unit as a whole; units of single jobs are not searched. */
  readonly unit?: string;
  /** Most recent first, so many at most. @default 100 */
  readonly limit?: number;
}

/** Adds up the parts of one batch. */
export function createBatchSum(): { readonly add: (part: PartInfo) => void; readonly view: () => BatchView } {
  const sums = { CREATED: 0, PROCESSING: 0, COMPLETED: 0, FAILED: 0, CANCELED: 0, jobs: 0, costMicros: 0 };
  const errors: Record<string, number> = {};
  let complete = false;
  let startedMs: number | null = null;
  let closedMs: number | null = null;
  let isOpen = false;
  let tags: BatchView['tags'];
  return {
    add: ({ memo, running, broken, startedMs: started, closedMs: closed }) => {
      const { counts } = memo;
      const isLost = broken ? counts.CREATED + counts.PROCESSING : 0;
      sums.jobs += memo.size;
      sums.CREATED += isLost > 0 ? 0 : counts.CREATED;
      sums.PROCESSING += isLost > 0 ? 0 : counts.PROCESSING;
      sums.COMPLETED += counts.COMPLETED;
      sums.FAILED += counts.FAILED + isLost;
      sums.CANCELED += counts.CANCELED;
      sums.costMicros += counts.costMicros;
      for (const [code, count] of Object.entries(counts.errors)) errors[code] = (errors[code] ?? 0) + count;
      if (isLost > 0) errors['TERMINATED'] = (errors['TERMINATED'] ?? 0) + isLost;
      complete ||= memo.last;
      isOpen ||= running;
      startedMs = Math.min(startedMs ?? Infinity, started);
      closedMs = Math.max(closedMs ?? 0, closed ?? 0);
      tags ??= memo.tags;
    },
    view: () => ({
      ...sums,
      errors,
      complete,
      startedMs,
      closedMs: isOpen ? null : closedMs,
      ...(tags === undefined ? {} : { tags }),
    }),
  };
}

/** Lists batches, the latest first. Reads all parts there are. @throws PlaybookError TEMPORAL_UNREACHABLE */
export async function listBatches(client: Client, filter: BatchFilter = {}): Promise<readonly BatchSummary[]> {
  const { service, state, unit, limit = 100 } = filter;
  const ofUnit = unit === undefined ? '' : ` AND ${SEARCH_ATTRIBUTES.unit.name} = '${quoted(unit)}'`;
  const batches = new Map<
    string,
    ReturnType<typeof createBatchSum> & { readonly service: string; readonly name: string }
  >();
  try {
    for await (const part of listParts(client, partsQuery(service, undefined, ofUnit))) {
      const named = parseBatchWorkflowId(part.workflowId);
      if (named === undefined) continue;
      const id = `${named.service}/${named.name}`;
      const batch = batches.get(id) ?? { ...createBatchSum(), service: named.service, name: named.name };
      batches.set(id, batch);
      batch.add(part);
    }
  } catch (error) {
    throw translated(error);
  }
  return [...batches.values()]
    .map((batch) => ({ service: batch.service, name: batch.name, view: batch.view() }))
    .filter(({ view }) => state === undefined || view[state] > 0)
    .toSorted((a, b) => (b.view.startedMs ?? 0) - (a.view.startedMs ?? 0))
    .slice(0, limit);
}
