import type { Client } from '@temporalio/client';
import { EXTERNAL_JOB_WORKFLOW } from '../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { listParts, partsQuery } from './batch-parts.ts';
import { translating } from './errors.ts';
import { snapshot, type JobSnapshot } from './job-snapshot.ts';

/** How many jobs of a service are under way, as visibility knows it: some tens of milliseconds late. */
export interface OpenJobs {
  /** Not yet at the service. */
  readonly created: number;
  /** At the service. */
  readonly processing: number;
}

/** So few are listed rather than searched through. */
const FEW = 50;
/** Halvings of the span of ages, which is logarithmic: enough for a hundred thousand jobs started within a second. */
const HALVINGS = 30;
/** Of an age's logarithm. */
const AGE_PRECISION = 0.05;
const YOUNGEST_MS = 1;
const OLDEST_MS = 400 * 86_400_000;

/** @param service a service's short name */
export async function countOpenJobs(client: Client, service: string): Promise<OpenJobs> {
  const [all, created] = await Promise.all([
    count(client, openJobs(service)),
    count(client, `${openJobs(service)} AND ${SEARCH_ATTRIBUTES.state.name} = 'CREATED'`),
  ]);
  let [inBatches, createdInBatches] = [0, 0];
  await translating(async () => {
    for await (const { memo } of listParts(client, runningParts(service))) {
      createdInBatches += memo.counts.CREATED;
      inBatches += memo.counts.PROCESSING;
    }
  });
  return { created: created + createdInBatches, processing: Math.max(0, all - created) + inBatches };
}

/**
 * The open job that was started first. Visibility sorts by nothing of use here, so the age is searched for by counting.
 * @param service a service's short name
 */
export async function oldestOpenJob(client: Client, service: string, nowMs: number): Promise<JobSnapshot | undefined> {
  const olderThan = (ageMs: number): string =>
    `${openJobs(service)} AND StartTime <= '${new Date(nowMs - ageMs).toISOString()}'`;
  const ageMs = await ageOfFew((age) => count(client, olderThan(age)));
  const query = ageMs === undefined ? openJobs(service) : olderThan(ageMs);
  let oldest: JobSnapshot | undefined;
  let left = FEW;
  await translating(async () => {
    for await (const info of client.workflow.list({ query, pageSize: FEW })) {
      const job = snapshot(info);
      if (oldest === undefined || job.startedAt < oldest.startedAt) oldest = job;
      left -= 1;
      if (left === 0) break;
    }
  });
  return oldest;
}

/**
 * How long the job that has been PROCESSING longest is under way, in milliseconds since its acceptance by us; 0 without any.
 * Found by counting, exact to a twentieth. Those of a batch count from the start of their part's present run.
 * @param service a service's short name
 */
export async function oldestProcessingMs(client: Client, service: string, nowMs: number): Promise<number> {
  const olderThan = (ageMs: number): Promise<number> =>
    count(
      client,
      `${openJobs(service)} AND ${SEARCH_ATTRIBUTES.state.name} = 'PROCESSING' AND StartTime <= '${new Date(nowMs - ageMs).toISOString()}'`,
    );
  let inBatches = 0;
  await translating(async () => {
    for await (const { memo, startedMs } of listParts(client, runningParts(service))) {
      if (memo.counts.PROCESSING > 0) inBatches = Math.max(inBatches, nowMs - startedMs);
    }
  });
  let young = Math.log(YOUNGEST_MS);
  let old = Math.log(OLDEST_MS);
  if ((await olderThan(Math.exp(young))) === 0) return inBatches;
  while (old - young > AGE_PRECISION) {
    const middle = (young + old) / 2;
    if ((await olderThan(Math.exp(middle))) === 0) old = middle;
    else young = middle;
  }
  return Math.max(inBatches, Math.exp(young));
}

/** An age, in milliseconds, that between one and {@link FEW} jobs have reached; undefined when there are no more than that. */
async function ageOfFew(countOlder: (ageMs: number) => Promise<number>): Promise<number | undefined> {
  let young = Math.log(YOUNGEST_MS);
  let old = Math.log(OLDEST_MS);
  if ((await countOlder(Math.exp(young))) <= FEW) return undefined;
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (young + old) / 2;
    const found = await countOlder(Math.exp(middle));
    if (found === 0) old = middle;
    else young = middle;
    if (found > 0 && found <= FEW) break;
  }
  return Math.exp(young);
}

function openJobs(service: string): string {
  return `WorkflowType = '${EXTERNAL_JOB_WORKFLOW}' AND ExecutionStatus = 'Running' AND ${SEARCH_ATTRIBUTES.service.name} = '${service}'`;
}

function runningParts(service: string): string {
  return partsQuery(service, undefined, ` AND ExecutionStatus = 'Running'`);
}

async function count(client: Client, query: string): Promise<number> {
  return (await translating(() => client.workflow.count(query))).count;
}
