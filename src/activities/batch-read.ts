import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { JOB_PENDING } from '../contracts/activities.ts';
import type {
  BatchActivities,
  CancelChunkRequest,
  CanceledChunk,
  LookChunkRequest,
  LookedChunk,
} from '../contracts/batch.ts';
import { jobReference } from '../contracts/ids.ts';
import type { JobObservation } from '../contracts/jobs.ts';
import type { RemoteJob } from '../definition/index.ts';
import { sweep } from '../http/pages.ts';
import { backoffMs, HINTED_SPACING_MS, pollDelayMs, retryAfterMs, type Random } from '../rules/backoff.ts';
import { currentContext, type ActivityContext } from './activity-context.ts';
import { judge, MENDABLE } from './failures.ts';
import { cancelAtService, configuredSpacing } from './looking.ts';
import { findByReference, mappedState, observe, outbound, readAnswer, toObservation } from './observe.ts';
import { onBehalfOf } from './on-behalf-of.ts';
import type { ServiceRuntime, Services } from './services.ts';

/** Requests of one chunk under way at once. */
const LOOK_CONCURRENCY = 8;
/** How long one attempt goes on asking, in milliseconds; the next begins where it stopped. */
const LOOK_MS = 15_000;
/** So many looks a hint is worth, close together. */
const HINTED_LOOKS = 3;
/** Answers "not found" that may only mean "not yet". */
const NOT_FOUND_TOLERATED = 5;
/** Results that one answer carries, in bytes of JSON; the others come with the next look. */
const RESULT_BYTES = 256 * 1024;
/** From so many jobs on the service's list is read. */
const LIST_FROM = 20;
const PAGE_SIZE = 100;
/** Requests for pages are worth it up to one for so many jobs. */
const JOBS_PER_PAGE = 4;
/** How far our clock may be ahead of the service's, in milliseconds. */
const CLOCK_TOLERANCE_MS = 60_000;
const HEARTBEAT_EVERY_MS = 500;

interface Deps {
  readonly services: Services;
  readonly now: () => number;
  readonly random: Random;
  readonly context?: typeof currentContext;
}

type LookEnd = LookedChunk['ends'][number];

/** Reads of a batch: some jobs in one activity. */
export function createBatchReadActivities(deps: Deps): Pick<BatchActivities, 'lookChunk' | 'cancelChunk'> {
  const current = deps.context ?? currentContext;
  return {
    lookChunk: async (request) => {
      const context = current();
      return heartbeating(context, () => new Look(deps, request, context).run());
    },
    cancelChunk: async (request) => {
      const context = current();
      return heartbeating(context, () => cancelAll(deps, request, context));
    },
  };
}

async function heartbeating<Answer>(context: ActivityContext, work: () => Promise<Answer>): Promise<Answer> {
  setMaxListeners(4 * LOOK_CONCURRENCY, context.signal);
  context.heartbeat(undefined);
  const heartbeats = setInterval(() => context.heartbeat(undefined), HEARTBEAT_EVERY_MS);
  try {
    return await work();
  } catch (error) {
    throw context.signal.aborted ? new CancelledFailure('The read was canceled.') : error;
  } finally {
    clearInterval(heartbeats);
  }
}

/** One attempt at a look at some jobs. */
class Look {
  private readonly ends = new Map<number, LookEnd>();
  private readonly polls: number[];
  private readonly untilMs: number;
  private resultBytes = 0;
  private retryInMs: number | undefined;
  private problem = '';

  private readonly deps: Deps;
  private readonly request: LookChunkRequest;
  private readonly context: ActivityContext;

  constructor(deps: Deps, request: LookChunkRequest, context: ActivityContext) {
    this.deps = deps;
    this.request = request;
    this.context = context;
    this.untilMs = deps.now() + LOOK_MS;
    // Those of the attempts before, all of which asked for every job, or nearly so.
    this.polls = request.jobs.map(() => context.attempt - 1);
  }

  async run(): Promise<LookedChunk> {
    const { jobs, hinted, round } = this.request;
    const { attempt } = this.context;
    const at = [...jobs.keys()];
    if (hinted) await this.askRepeatedly(at);
    else {
      const listed = await this.askList();
      // Where the last attempt stopped for want of time, this one begins.
      const from = ((attempt - 1) * 37) % Math.max(1, jobs.length);
      const rest = [...at.slice(from), ...at.slice(0, from)].filter((index) => !listed.has(index));
      await this.ask(rest);
    }
    const spacing = configuredSpacing(this.runtime);
    const leftMs = this.request.deadlineAtMs - this.deps.now();
    const nextInMs = this.retryInMs ?? pollDelayMs(spacing, round + attempt, leftMs, this.deps.random);
    if (this.ends.size > 0 || hinted) {
      // What there was no time or room for is asked for at once.
      const isCut = this.retryInMs === undefined && this.isSpent;
      return {
        ends: [...this.ends.values()],
        polls: this.polls,
        rounds: attempt,
        nextInMs: isCut ? 0 : nextInMs,
      };
    }
    throw ApplicationFailure.create({
      type: JOB_PENDING,
      message:
        `None of ${jobs.length} jobs is over; next look in ${(nextInMs / 1_000).toFixed(1)} s. ${this.problem}`.trim(),
      category: 'BENIGN',
      nextRetryDelay: nextInMs,
    });
  }

  private get runtime(): ServiceRuntime {
    const { batch, route } = this.request;
    return this.deps.services.get(batch.service, route);
  }

  private runtimeFor(unit: string): ServiceRuntime {
    const { batch, tags } = this.request;
    return onBehalfOf(this.runtime, { unit, ...(tags === undefined ? {} : { tags }) }, `batch ${batch.name}`);
  }

  /** Webhooks are ahead of what the service's own answers say, by a moment. */
  private async askRepeatedly(at: readonly number[]): Promise<void> {
    let open = at;
    for (let looks = 1; open.length > 0; looks += 1) {
      await this.ask(open);
      open = open.filter((index) => !this.ends.has(index));
      if (looks >= HINTED_LOOKS || open.length === 0 || this.isSpent) return;
      const pauseMs = HINTED_SPACING_MS.initialMs * HINTED_SPACING_MS.factor ** (looks - 1);
      await sleep(pauseMs, undefined, { signal: this.context.signal });
    }
  }

  private get isSpent(): boolean {
    return this.resultBytes > RESULT_BYTES || this.retryInMs !== undefined || this.deps.now() > this.untilMs;
  }

  private async ask(indices: readonly number[]): Promise<void> {
    const waiting = [...indices];
    const next = async (): Promise<void> => {
      for (let at = waiting.shift(); at !== undefined && !this.isSpent; at = waiting.shift()) await this.askFor(at);
    };
    await Promise.all(Array.from({ length: LOOK_CONCURRENCY }, next));
  }

  private async askFor(at: number): Promise<void> {
    const { externalId, unit } = this.request.jobs[at]!;
    try {
      this.polls[at] = (this.polls[at] ?? 0) + 1;
      this.settle(at, await observe(this.runtimeFor(unit), externalId, this.context.signal));
    } catch (error) {
      this.context.signal.throwIfAborted();
      const { code, message, retryable, throttled, retryAfterMs: asked } = judge(error);
      const mayTurnUp = code === 'NOT_FOUND' && this.context.attempt + this.request.round <= NOT_FOUND_TOLERATED;
      if (!retryable && !mayTurnUp && !MENDABLE.has(code)) {
        this.ends.set(at, { at, failed: { code, message } });
        return;
      }
      this.problem = message;
      if (throttled) this.retryInMs = retryAfterMs(asked ?? 1_000, this.deps.random);
    }
  }

  private settle(at: number, observation: JobObservation): void {
    if (observation.state === 'PROCESSING') return;
    this.resultBytes += Buffer.byteLength(JSON.stringify(observation));
    this.ends.set(at, { at, observation });
  }

  /** Reads the service's list where that takes fewer requests. @returns the jobs it told of */
  private async askList(): Promise<ReadonlySet<number>> {
    const { jobs, sinceMs } = this.request;
    const told = new Set<number>();
    const { list } = this.runtime.integration;
    if (list === undefined || jobs.length < LIST_FROM) return told;
    const wanted = new Map(jobs.map(({ externalId }, at) => [externalId, at]));
    const maxPages = Math.ceil(jobs.length / JOBS_PER_PAGE);
    const updatedAfter = new Date(sinceMs - CLOCK_TOLERANCE_MS).toISOString();
    let pages = 0;
    try {
      const listed = sweep<RemoteJob>({
        idOf: ({ externalId, word }) => `${externalId} ${word}`,
        maxPages,
        fetch: async (cursor) => {
          const context = { limit: PAGE_SIZE, updatedAfter, ...(cursor === undefined ? {} : { cursor }) };
          const runtime = this.runtimeFor(jobs[0]?.unit ?? '');
          pages += 1;
          const response = await runtime.client.send(outbound(list, context, 'list'), this.context.signal);
          const { jobs: items, next } = readAnswer(this.runtime, list, response, context, 'list response');
          return { items, next };
        },
      });
      const { integration } = this.runtime;
      for await (const job of listed) {
        const at = wanted.get(job.externalId);
        const state = mappedState(integration, job.word);
        if (at === undefined || state === undefined) continue;
        // Completed, and without its result: asked for by itself.
        if (state === 'COMPLETED' && list.isWhole !== true) continue;
        told.add(at);
        if (!this.isSpent) this.settle(at, toObservation(integration, job));
        if (told.size === jobs.length) break;
      }
    } catch (error) {
      this.context.signal.throwIfAborted();
      // Too many pages, or no list today: jobs are asked for one by one.
      this.problem = judge(error).message;
    } finally {
      this.polls[0] = (this.polls[0] ?? 0) + pages;
    }
    return told;
  }
}

async function cancelAll(deps: Deps, request: CancelChunkRequest, context: ActivityContext): Promise<CanceledChunk> {
  const { batch, route, jobs, tags } = request;
  const ends = new Map<number, CanceledChunk['ends'][number]>();
  const waiting = [...jobs.keys()];
  let bytes = 0;
  const { signal } = context;
  const next = async (): Promise<void> => {
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      const { key, generation, unit, externalId: known } = jobs[at]!;
      const job = { service: batch.service, key, generation };
      const owner = { unit, ...(tags === undefined ? {} : { tags }) };
      const runtime = onBehalfOf(deps.services.get(batch.service, route), owner, `batch ${batch.name}`);
      for (let tries = 1; !ends.has(at); tries += 1) {
        try {
          const externalId = known ?? (await findByReference(runtime, job, signal))?.externalId ?? null;
          const observation = externalId === null ? null : await cancelAtService(runtime, externalId, signal);
          bytes += Buffer.byteLength(JSON.stringify(observation));
          const isTooMuch = bytes > RESULT_BYTES && observation?.result !== undefined;
          ends.set(at, isTooMuch ? { failed: 'It had ended; its result was not taken.' } : { externalId, observation });
        } catch (error) {
          signal.throwIfAborted();
          const { message, retryable, retryAfterMs: asked } = judge(error);
          const { backoff_ms } = runtime.config.service.retry;
          if (!retryable || deps.now() >= request.deadlineAtMs)
            ends.set(at, { failed: `${jobReference(job)}: ${message}` });
          else await sleep(asked ?? backoffMs(backoff_ms, tries, deps.random), undefined, { signal });
        }
      }
    }
  };
  await Promise.all(Array.from({ length: LOOK_CONCURRENCY }, next));
  return { ends: [...jobs.keys()].map((at) => ends.get(at)!) };
}
