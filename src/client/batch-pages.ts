import { setTimeout as sleep } from 'node:timers/promises';
import { TerminatedFailure, WorkflowContinuedAsNewError, WorkflowFailedError, type Client } from '@temporalio/client';
import {
  OUTCOMES_QUERY,
  batchWorkflowId,
  type BatchInput,
  type BatchOutcome,
  type BatchPart,
  type BatchResult,
} from '../contracts/batch.ts';
import type { JobOutcome } from '../contracts/jobs.ts';
import { translating } from './errors.ts';
import { firstArgument } from './first-argument.ts';

/** How often a part that goes on is asked for outcomes, in milliseconds. */
const STREAM_EVERY_MS = 2_000;
const QUERY_TIMEOUT_MS = 3_000;

/** Reads the outcomes of one part, in the order its jobs ended, some at a time. */
export interface PartReader {
  /** The next outcomes, once there are any; `undefined` after the last. */
  readonly next: () => Promise<readonly PartOutcome[] | undefined>;
}

/** An outcome, with its unit where that is not its key. */
type PartOutcome = JobOutcome & { readonly unit?: string };

type RunEnd = { readonly page: readonly BatchOutcome[]; readonly nextRunId?: string };

/** Makes a reader that begins with the part's first run. */
export function createPartReader(client: Client, part: BatchPart): PartReader {
  const { service } = part;
  const workflowId = batchWorkflowId(part);
  let runId: string | undefined;
  let ending: Promise<RunEnd> | undefined;
  /** Outcomes of the present run that were given out. */
  let given = 0;
  /** Of earlier runs. */
  let before = 0;
  let isOver = false;
  const keys = new Set<string>();

  const complete = (outcome: BatchOutcome): PartOutcome => ({ service, workflowId, ...outcome });

  const give = (page: readonly BatchOutcome[]): readonly PartOutcome[] => {
    for (const { key } of page) keys.add(key);
    given += page.length;
    return page.map(complete);
  };

  const runEnd = async (): Promise<RunEnd> => {
    const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
    try {
      return (await translating(() => handle.result())) as BatchResult;
    } catch (error) {
      if (error instanceof WorkflowContinuedAsNewError) {
        const nextRunId = error.newExecutionRunId;
        const next = await firstArgument<BatchInput>(client, workflowId, nextRunId);
        return { page: next.carried?.page ?? [], nextRunId };
      }
      if (!(error instanceof WorkflowFailedError)) throw error;
      return { page: await endedWithIt(error) };
    }
  };

  /** The workflow is gone, and with it what it knew: its jobs have no end but this. */
  const endedWithIt = async (error: WorkflowFailedError): Promise<readonly BatchOutcome[]> => {
    const { jobs } = await firstArgument<BatchInput>(client, workflowId, runId ?? '');
    const code = error.cause instanceof TerminatedFailure ? 'TERMINATED' : 'INTERNAL';
    const why = `The workflow of its batch ended before the job did: ${error.cause?.message ?? error.message}. The service was not told.`;
    const lost = jobs.filter(({ key }) => !keys.has(key));
    // What was given out of this run comes first, as in a page.
    const seen: BatchOutcome[] = Array.from({ length: given }, () => lostOutcome('', 1, code, why));
    return [...seen, ...lost.map(({ key, generation = 1 }) => lostOutcome(key, generation, code, why))];
  };

  const ask = async (): Promise<readonly BatchOutcome[]> => {
    try {
      const handle = client.workflow.getHandle(workflowId, runId);
      return await client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
        handle.query<readonly BatchOutcome[], [number]>(OUTCOMES_QUERY, before + given),
      );
    } catch {
      return []; // without a worker they come when the run ends
    }
  };

  return {
    next: async () => {
      while (!isOver) {
        runId ??= await firstRun(client, workflowId);
        ending ??= runEnd();
        ending.catch(() => undefined);
        const ended = await Promise.race([ending, sleep(STREAM_EVERY_MS, undefined, { ref: false })]);
        if (ended === undefined) {
          const page = await ask();
          if (page.length > 0) return give(page);
          continue;
        }
        const rest = ended.page.slice(given);
        const outcomes = give(rest);
        before += given;
        given = 0;
        ending = undefined;
        if (ended.nextRunId === undefined) isOver = true;
        else ({ nextRunId: runId } = ended);
        if (outcomes.length > 0) return outcomes;
      }
      return undefined;
    },
  };
}

async function firstRun(client: Client, workflowId: string): Promise<string> {
  const { raw } = await translating(() => client.workflow.getHandle(workflowId).describe());
  return raw.workflowExecutionInfo?.firstRunId || (raw.workflowExecutionInfo?.execution?.runId ?? '');
}

function lostOutcome(key: string, generation: number, code: 'TERMINATED' | 'INTERNAL', message: string): BatchOutcome {
  return {
    key,
    generation,
    externalId: null,
    state: 'FAILED',
    route: null,
    result: null,
    error: { code, message },
    polls: 0,
    webhooks: 0,
    latencyMs: 0,
    costMicros: 0,
  };
}
