import type { Client } from '@temporalio/client';
import { EXTERNAL_JOB_WORKFLOW, type JobMemo } from '../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { createPartReader } from './batch-pages.ts';
import { listParts, partsQuery } from './batch-parts.ts';
import { translating } from './errors.ts';
import { snapshot } from './job-snapshot.ts';

/** Which jobs to add up, and by what. */
export interface CostQuery {
  /** A service's short name. */
  readonly service: string;
  /** Jobs that ended at or after this time, epoch milliseconds. */
  readonly sinceMs: number;
  /** `day`: the UTC day a job ended. `tag`: a job counts for each of its tags. */
  readonly by: 'unit' | 'day' | 'tag';
}

export interface CostRow {
  /** The unit, the day as `2026-01-31`, or `tag=value`; empty for jobs without one. */
  readonly name: string;
  readonly jobs: number;
  /** Of them, COMPLETED. */
  readonly completed: number;
  readonly costMicros: number;
}

/** What finished jobs cost, from their search attributes. */
export interface JobCosts {
  /** Days in order; else the most expensive first. */
  readonly rows: readonly CostRow[];
  readonly total: Omit<CostRow, 'name'>;
  /** Ended without saying what they cost: their workflows were terminated. */
  readonly unpriced: number;
}

/** A job that ended, as it counts. */
interface Counted {
  readonly unit: string;
  /** ISO 8601. */
  readonly closedAt: string;
  readonly isCompleted: boolean;
  readonly costMicros: number;
  readonly tags?: Readonly<Record<string, string>>;
}

type Sum = { jobs: number; completed: number; costMicros: number };

/**
 * Adds up what finished jobs cost. Reads each of them from visibility: some thousand a second. Jobs of batches count once their
 * part has ended, on that day.
 */
export async function readJobCosts(client: Client, { service, sinceMs, by }: CostQuery): Promise<JobCosts> {
  const since = new Date(sinceMs).toISOString();
  const query = `WorkflowType = '${EXTERNAL_JOB_WORKFLOW}' AND ${SEARCH_ATTRIBUTES.service.name} = '${service}' AND CloseTime >= '${since}'`;
  const sums = new Map<string, Sum>();
  const total: Sum = { jobs: 0, completed: 0, costMicros: 0 };
  let unpriced = 0;
  const add = (job: Counted): void => {
    const names = {
      unit: [job.unit],
      day: [job.closedAt.slice(0, 10)],
      tag: Object.entries(job.tags ?? { '': '' }).map(([tag, value]) => (tag === '' ? '' : `${tag}=${value}`)),
    }[by];
    for (const sum of [total, ...names.map((name) => sumOf(sums, name))]) {
      sum.jobs += 1;
      sum.completed += Number(job.isCompleted);
      sum.costMicros += job.costMicros;
    }
  };
  await translating(async () => {
    for await (const info of client.workflow.list({ query })) {
      const { state, costMicros, unit, closedAt } = snapshot(info);
      const { tags } = info.memo as unknown as JobMemo;
      if (costMicros === null) unpriced += 1;
      const more = tags === undefined ? {} : { tags };
      const isCompleted = state === 'COMPLETED';
      add({ unit: unit ?? '', closedAt: closedAt ?? '', isCompleted, costMicros: costMicros ?? 0, ...more });
    }
    for await (const part of listParts(client, partsQuery(service, undefined, ` AND CloseTime >= '${since}'`))) {
      const { batch: name, part: nth, tags } = part.memo;
      const closedAt = new Date(part.closedMs ?? 0).toISOString();
      const reader = createPartReader(client, { service, name, part: nth });
      for (let page = await reader.next(); page !== undefined; page = await reader.next()) {
        for (const { key, unit = key, state, costMicros } of page) {
          const more = tags === undefined ? {} : { tags };
          add({ unit, closedAt, isCompleted: state === 'COMPLETED', costMicros, ...more });
        }
      }
    }
  });
  const rows = [...sums].map(([name, sum]) => ({ name, ...sum }));
  const order = (a: CostRow, b: CostRow): number =>
    (by === 'day' ? 0 : b.costMicros - a.costMicros) || (a.name < b.name ? -1 : 1);
  return { rows: rows.toSorted(order), total, unpriced };
}

function sumOf(sums: Map<string, Sum>, name: string): Sum {
  const known = sums.get(name);
  if (known !== undefined) return known;
  const sum = { jobs: 0, completed: 0, costMicros: 0 };
  sums.set(name, sum);
  return sum;
}
