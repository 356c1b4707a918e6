import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import type {
  BatchActivities,
  ChunkProgress,
  SubmitChunkRequest,
  SubmitEnd,
  SubmittedChunk,
} from '../contracts/batch.ts';
import type { Submitted } from '../contracts/jobs.ts';
import type { Random } from '../rules/backoff.ts';
import { currentContext, type ActivityContext } from './activity-context.ts';
import { heartbeating, onBehalfOfJob, RESULT_BYTES, together } from './batch-chunk.ts';
import type { ReadControl } from './control-reader.ts';
import { failureOf } from './failures.ts';
import type { OpenInputFile } from './input-files.ts';
import { movedOn } from './moved-on.ts';
import type { ServiceRuntime, Services } from './services.ts';
import { attemptSubmit, type EarlierBatches, type SubmitAttempt } from './submit-attempt.ts';
import { resumeProgress, type SubmitProgress } from './submit-progress.ts';
import { submitVerdict } from './submit-verdict.ts';

/** Requests of one chunk under way at once; the gate decides when each of them leaves. */
export const CHUNK_CONCURRENCY = 16;
/** How long a chunk goes on starting requests, in milliseconds. What is left then comes again. */
const CHUNK_MS = 15_000;
/** Longest pause before a repetition that is spent in the chunk, in milliseconds. */
const SHORT_PAUSE_MS = 3_000;
/** The result of one job that its chunk's heartbeats carry, in bytes of JSON. */
const HEARTBEAT_RESULT_BYTES = 1_024;

/** What an attempt leaves to the next in its heartbeat details. */
interface ChunkDetails {
  readonly ends: readonly SubmitEnd[];
  readonly progress: readonly (readonly [at: number, progress: SubmitProgress])[];
  /** The last attempt that lived to say how it ended. */
  readonly reportedAttempt: number;
}

interface Deps {
  readonly services: Services;
  readonly readControl: ReadControl;
  readonly openInputFile: OpenInputFile;
  readonly earlierBatches?: EarlierBatches;
  readonly now: () => number;
  readonly random: Random;
  readonly context?: typeof currentContext;
}

/** Submits of a batch: some jobs in one activity. */
export function createBatchSubmitActivities(deps: Deps): Pick<BatchActivities, 'submitChunk'> {
  return { submitChunk: (request) => new Chunk(deps, request, (deps.context ?? currentContext)()).run() };
}

/** One attempt at one chunk. */
class Chunk {
  private readonly ends = new Map<number, SubmitEnd>();
  private readonly progress = new Map<number, SubmitProgress>();
  private reportedAttempt: number;
  private readonly runtime: ServiceRuntime;
  private readonly untilMs: number;
  private resultBytes = 0;
  private retryInMs = 0;
  /** No further request is begun. */
  private isOver = false;

  private readonly deps: Deps;
  private readonly request: SubmitChunkRequest;
  private readonly context: ActivityContext;

  constructor(deps: Deps, request: SubmitChunkRequest, context: ActivityContext) {
    this.deps = deps;
    this.request = request;
    this.context = context;
    this.runtime = deps.services.get(request.batch.service, request.route);
    this.untilMs = deps.now() + CHUNK_MS;
    const earlier = context.heartbeatDetails as ChunkDetails | undefined;
    this.reportedAttempt = earlier?.reportedAttempt ?? 0;
    for (const end of earlier?.ends ?? []) this.ends.set(end.at, end);
    const known = new Map(earlier?.progress);
    for (const [at, { submit }] of request.jobs.entries()) {
      if (!this.ends.has(at)) this.progress.set(at, this.resume(submit, known.get(at)));
    }
  }

  async run(): Promise<SubmittedChunk> {
    await heartbeating(
      this.context,
      CHUNK_CONCURRENCY,
      () => this.details(),
      () => together(this.progress.keys(), CHUNK_CONCURRENCY, (at) => this.submit(at)),
    );
    return this.answer();
  }

  /** Where this attempt takes over with one job; see `resumeProgress`, whose reasons hold here, too. */
  private resume(handed: ChunkProgress | undefined, known: SubmitProgress | undefined): SubmitProgress {
    const { idempotency } = this.runtime.integration.submit;
    const heartbeatDetails = { ...handed, ...known, reportedAttempt: this.reportedAttempt };
    return resumeProgress({ ...this.context, heartbeatDetails }, idempotency);
  }

  private async submit(at: number): Promise<void> {
    const { context, deps } = this;
    const attempt = this.attemptAt(at);
    const { progress, request } = attempt;
    let isAdmitted = progress.mayHaveArrived;
    for (let tries = 1; !this.isOver && !context.signal.aborted && deps.now() < this.untilMs; tries += 1) {
      try {
        // What may be at the service already belongs to this admission, whatever is decided now.
        if (!isAdmitted && (await movedOn(deps, request)) !== undefined) {
          this.ends.set(at, { at, readmit: true });
          return;
        }
        if (!isAdmitted && this.mustLookFirst) progress.mayHaveArrived = true;
        isAdmitted = true;
        this.ends.set(at, { at, submitted: this.kept(await attemptSubmit(attempt)) });
        return;
      } catch (error) {
        const failure = failureOf(error, context.signal.aborted);
        const verdict = submitVerdict(attempt, failure, { tries, random: deps.random, cause: error });
        const { code, message, retryInMs, mayHaveArrived = false } = verdict;
        if (retryInMs === undefined) {
          this.ends.set(at, { at, failed: { code, message, mayHaveArrived }, requests: progress.requests });
          return;
        }
        if (failure.throttled) {
          // What holds one of them back holds all of them.
          this.isOver = true;
          this.retryInMs = Math.max(this.retryInMs, retryInMs);
        } else if (retryInMs > SHORT_PAUSE_MS) {
          this.retryInMs = Math.max(this.retryInMs, retryInMs);
          return;
        } else await sleep(retryInMs, undefined, { signal: context.signal }).catch(() => undefined);
      }
    }
  }

  /** A job may have been sent alone or in another batch: where only the service's search can tell, it is asked first. */
  private get mustLookFirst(): boolean {
    const { submit, lookup } = this.runtime.integration;
    return submit.idempotency.kind === 'none' && lookup !== undefined;
  }

  private attemptAt(at: number): SubmitAttempt {
    const { batch, route, revision, deadlineAtMs, tags } = this.request;
    const { key, generation, unit, input } = this.request.jobs[at]!;
    const owner = { unit, ...(tags === undefined ? {} : { tags }) };
    return {
      runtime: onBehalfOfJob(this.deps.services, this.request, unit),
      request: { service: batch.service, key, generation, batch, input, route, revision, deadlineAtMs, ...owner },
      progress: this.progress.get(at)!,
      context: {
        ...this.context,
        heartbeat: () => this.context.heartbeat(this.details()),
        acknowledgedHeartbeat: () => this.context.acknowledgedHeartbeat(this.details()),
      },
      openInputFile: this.deps.openInputFile,
      earlierBatches: this.deps.earlierBatches,
      now: this.deps.now,
    };
  }

  /** A result that would make the answer too large is left out: the job is asked for again. */
  private kept(submitted: Submitted): Submitted {
    const bytes = bytesOf(submitted);
    if (this.resultBytes + bytes > RESULT_BYTES) return withoutResult(submitted);
    this.resultBytes += bytes;
    return submitted;
  }

  private details(): ChunkDetails {
    return {
      ends: [...this.ends.values()].map((end) =>
        'submitted' in end && bytesOf(end.submitted) > HEARTBEAT_RESULT_BYTES
          ? { at: end.at, submitted: withoutResult(end.submitted) }
          : end,
      ),
      progress: [...this.progress].filter(([at, { requests }]) => !this.ends.has(at) && requests > 0),
      reportedAttempt: this.reportedAttempt,
    };
  }

  private async answer(): Promise<SubmittedChunk> {
    const left = [...this.progress].filter(([at]) => !this.ends.has(at));
    const retryInMs = Math.max(1_000, this.retryInMs);
    const achieved = this.ends.size > 0 || left.some(([, { mayHaveArrived }]) => mayHaveArrived);
    if (!achieved && !this.context.signal.aborted) {
      // Nothing is worth telling: it waits outside the history.
      this.reportedAttempt = this.context.attempt;
      this.context.heartbeat(this.details());
      await this.context.acknowledgedHeartbeat(this.details()).catch(() => undefined);
      throw ApplicationFailure.create({
        type: 'THROTTLED',
        message: `None of ${left.length} jobs could be sent; next attempt in ${(retryInMs / 1_000).toFixed(1)} s.`,
        category: 'BENIGN',
        nextRetryDelay: retryInMs,
      });
    }
    const ends: SubmitEnd[] = [...this.ends.values()];
    for (const [at, { requests, failures, lastMessage, mayHaveArrived, underWayAtMs }] of left) {
      ends.push({ at, left: { requests, failures, lastMessage, mayHaveArrived, underWayAtMs } });
    }
    return { ends, retryInMs: left.length === 0 ? 0 : retryInMs };
  }
}

function bytesOf({ observation }: Submitted): number {
  return observation.result === undefined ? 0 : Buffer.byteLength(JSON.stringify(observation.result));
}

function withoutResult(submitted: Submitted): Submitted {
  return { ...submitted, observation: { state: 'PROCESSING', word: submitted.observation.word } };
}
