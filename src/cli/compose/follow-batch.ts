import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import type { BatchHandle } from '../../client/index.ts';
import type { JobOutcome } from '../../contracts/jobs.ts';
import type { CliIo } from '../io.ts';
import { batchProgressLine, batchSummary, type FailureGroup } from '../output/batch-text.ts';
import { endedLine } from '../output/job-line.ts';
import type { Screen } from '../output/screen.ts';
import { untilAborted } from './until-aborted.ts';

const VIEW_EVERY_MS = 1_000;

export interface FollowOptions {
  readonly json: boolean;
  /** Outcomes go there, too, as JSON lines. */
  readonly out?: string | undefined;
  /** What ends the wait before the batch's end: it resolves, or rejects with why. */
  readonly until?: readonly Promise<void>[];
}

/** What came of a batch. */
export interface Read {
  readonly jobs: number;
  readonly completed: number;
  readonly costMicros: number;
  readonly failures: readonly FailureGroup[];
}

/**
 * Shows a batch as it goes on and sums it up at its end.
 * @returns `undefined` when it was interrupted before
 */
export async function followBatch(
  io: CliIo,
  screen: Screen,
  batch: BatchHandle<unknown>,
  { json, out, until = [] }: FollowOptions,
): Promise<Read | undefined> {
  const stopShowing = json ? () => undefined : showProgress(screen, batch);
  try {
    const reading = read(io, { json, out }, batch);
    reading.catch(() => undefined); // after an interruption nobody waits for it
    const done = (await Promise.race([reading, untilAborted(io.interrupt), ...until])) ?? undefined;
    stopShowing();
    if (done === undefined || json) return done;
    const { startedMs, closedMs } = await batch.progress();
    const tookMs = startedMs === null || closedMs === null ? null : closedMs - startedMs;
    io.stdout.write(batchSummary(batch.name, { ...done, tookMs }, done.failures));
    return done;
  } finally {
    stopShowing();
  }
}

/** Reads all results, writes them where they are wanted, and groups the failures. */
async function read(io: CliIo, { out, json }: FollowOptions, batch: BatchHandle<unknown>): Promise<Read> {
  const file = out === undefined ? undefined : createWriteStream(resolve(io.cwd, out));
  const sums = { jobs: 0, completed: 0, costMicros: 0 };
  const groups = new Map<string, { jobs: number; readonly example: FailureGroup['example'] }>();
  try {
    for await (const outcome of batch.results()) {
      sums.jobs += 1;
      sums.completed += Number(outcome.state === 'COMPLETED');
      sums.costMicros += outcome.costMicros;
      if (outcome.error !== null) group(groups, outcome.key, outcome.error);
      const line = `${JSON.stringify(endedLine(outcome))}\n`;
      if (json) io.stdout.write(line);
      if (file !== undefined && !file.write(line)) await once(file, 'drain');
    }
  } finally {
    file?.end();
    if (file !== undefined) await finished(file);
  }
  const failures = [...groups].map(([code, rest]) => ({ code, ...rest })).toSorted((a, b) => b.jobs - a.jobs);
  return { ...sums, failures };
}

function group(
  groups: Map<string, { jobs: number; readonly example: FailureGroup['example'] }>,
  key: string,
  { code, message }: NonNullable<JobOutcome['error']>,
): void {
  const known = groups.get(code);
  if (known === undefined) groups.set(code, { jobs: 1, example: { key, message } });
  else known.jobs += 1;
}

/** Keeps a live line until it is told to stop; without a terminal there is none. */
function showProgress(screen: Screen, batch: BatchHandle<unknown>): () => void {
  if (!screen.isLive) return () => undefined;
  let last: { readonly ended: number; readonly atMs: number } | undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    const view = await batch.progress().catch(() => undefined);
    if (view === undefined || isOver) return;
    const ended = view.COMPLETED + view.FAILED + view.CANCELED;
    const atMs = performance.now();
    const perSecond = last === undefined ? 0 : ((ended - last.ended) * 1_000) / (atMs - last.atMs);
    last ??= { ended, atMs };
    screen.live([batchProgressLine(batch.name, view, { perSecond })]);
  };
  const timer = setInterval(() => void look(), VIEW_EVERY_MS);
  void look();
  return () => {
    isOver = true;
    clearInterval(timer);
    screen.live([]);
  };
}
