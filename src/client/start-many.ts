import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { BATCH_NAME_PATTERN } from '../contracts/batch.ts';
import { PlaybookError } from '../contracts/errors.ts';
import type { InputOf, Integration, ResultOf } from '../definition/index.ts';
import { createBatchHandle, type BatchHandle } from './batch-handle.ts';
import { packJobs, type BatchItem, type OnRefused, type PackedPart } from './batch-pack.ts';
import { startPart } from './batch-parts.ts';
import { createBatchRoom } from './batch-room.ts';

/** How many jobs are started at once. */
export interface StartManyOptions {
  /** Names the batch: 1 to 64 letters, digits, dots, dashes and underscores. The same name and jobs are the same batch. */
  readonly name: string;
  /** Who all of it is for; a job's own `unit` goes before. @default each job's key */
  readonly unit?: string;
  /** Cost attribution. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Jobs that are accepted and not over at any time: more are taken from the source as these end. @default 4000 */
  readonly maxOpenJobs?: number;
  /** Jobs of one workflow. The same for a batch that is taken up again. @default 500 */
  readonly jobsPerPart?: number;
  /** Told of items that become no job: a bad key, a key that is there twice with other input. @default the batch stops with the error */
  readonly onRefused?: OnRefused;
}

/** A batch that this process feeds. Its `results` reject as `fed` does; those of `playbook.batch(…)` are then what was accepted. */
export interface FedBatch<Result> extends BatchHandle<Result> {
  /** Resolves once all jobs are accepted durably: from then on the batch needs its caller no more. Rejects as {@link startMany}. */
  readonly fed: Promise<{ readonly jobs: number }>;
}

const DEFAULT_OPEN_JOBS = 4_000;
const DEFAULT_JOBS_PER_PART = 500;
/** More would not fit the limits of one history with room to spare. */
const MOST_JOBS_PER_PART = 1_000;
/** How often it is looked whether there is room for another part, in milliseconds. */
const ROOM_EVERY_MS = 200;

/**
 * Starts many jobs as one batch, or takes up the one of that name: feeds what the source yields in workflows of some hundred
 * jobs each, and takes no more from it than there is room for.
 * @throws PlaybookError BAD_USAGE for a name or number that is none
 */
export function startMany<I extends Integration>(
  client: Client,
  integration: I,
  source: AsyncIterable<BatchItem<InputOf<I>>> | Iterable<BatchItem<InputOf<I>>>,
  options: StartManyOptions,
): FedBatch<ResultOf<I>> {
  const { service } = integration;
  const { name, unit, tags, onRefused } = options;
  const { maxOpenJobs = DEFAULT_OPEN_JOBS, jobsPerPart = DEFAULT_JOBS_PER_PART } = options;
  check(name, { maxOpenJobs, jobsPerPart });
  const batch = { service, name, ...(unit === undefined ? {} : { unit }), ...(tags === undefined ? {} : { tags }) };
  const stopping = new AbortController();
  const started = createProgress();
  const room = createBatchRoom(client, batch);

  const makeRoom = async ({ jobs }: PackedPart): Promise<void> => {
    // One part is open at least, however few jobs are wanted.
    const mostBeside = Math.max(0, Math.floor((maxOpenJobs - jobs.length) / jobsPerPart));
    while (!stopping.signal.aborted && !(await room.hasFewerThan(mostBeside + 1))) await sleep(ROOM_EVERY_MS);
  };

  const feed = async (): Promise<{ readonly jobs: number }> => {
    let jobs = 0;
    const packing = {
      jobsPerPart,
      ...(unit === undefined ? {} : { unit }),
      ...(onRefused === undefined ? {} : { onRefused }),
    };
    try {
      for await (const packed of packJobs(integration, source, packing)) {
        await makeRoom(packed);
        if (stopping.signal.aborted) break;
        await startPart(client, batch, packed);
        room.started(packed.part);
        jobs += packed.jobs.length;
        started.reached(packed.part + 1);
      }
      return { jobs };
    } finally {
      started.end();
    }
  };
  const fed = feed();
  fed.catch(() => undefined); // told to whoever asks
  const handle = createBatchHandle<ResultOf<I>>(client, batch, {
    hasPart: async (part) => (await started.isThere(part)) || (await fed.then(() => false)),
    stop: () => stopping.abort(),
  });
  return { ...handle, fed };
}

function check(name: string, numbers: { readonly maxOpenJobs: number; readonly jobsPerPart: number }): void {
  if (!BATCH_NAME_PATTERN.test(name)) {
    const shown = JSON.stringify(name.slice(0, 80));
    throw new PlaybookError(
      'BAD_USAGE',
      `${shown} is no name for a batch. Use 1 to 64 letters, digits, dots, dashes and underscores.`,
    );
  }
  const { maxOpenJobs, jobsPerPart } = numbers;
  if (!Number.isSafeInteger(jobsPerPart) || jobsPerPart < 1 || jobsPerPart > MOST_JOBS_PER_PART) {
    throw new PlaybookError(
      'BAD_USAGE',
      `jobsPerPart must be a whole number from 1 to ${MOST_JOBS_PER_PART} (got ${jobsPerPart}).`,
    );
  }
  if (!Number.isSafeInteger(maxOpenJobs) || maxOpenJobs < 1) {
    throw new PlaybookError('BAD_USAGE', `maxOpenJobs must be a whole number above 0 (got ${maxOpenJobs}).`);
  }
}

/** How many parts there are by now, for those who wait for one. */
function createProgress() {
  const state = { parts: 0, isOver: false };
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  return {
    reached: (parts: number): void => {
      state.parts = parts;
      wake();
    },
    end: (): void => {
      state.isOver = true;
      wake();
    },
    isThere: async (part: number): Promise<boolean> => {
      while (part >= state.parts && !state.isOver) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
      return part < state.parts;
    },
  };
}
