import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { JOB_PENDING } from '../contracts/activities.ts';
import type { LookChunkRequest, LookedChunk } from '../contracts/batch.ts';
import type { JobObservation } from '../contracts/jobs.ts';
import type { RemoteJob } from '../definition/index.ts';
import { sweep } from '../http/pages.ts';
import { HINTED_SPACING_MS, pollDelayMs, retryAfterMs } from '../rules/backoff.ts';
import type { ActivityContext } from './activity-context.ts';
import { onBehalfOfJob, READS_AT_ONCE, RESULT_BYTES, together, type ReadDeps } from './batch-chunk.ts';
import { judge, MENDABLE } from './failures.ts';
import { configuredSpacing } from './looking.ts';
import { mappedState, observe, outbound, readAnswer, toObservation } from './observe.ts';
import type { ServiceRuntime } from './services.ts';

/** How long one attempt goes on asking, in milliseconds; the next begins where it stopped. */
const LOOK_MS = 15_000;
/** So many looks a hint is worth, close together. */
const HINTED_LOOKS = 3;
/** Answers "not found" that may only mean "not yet". */
const NOT_FOUND_TOLERATED = 5;
/** From so many jobs on the service's list is read. */
const LIST_FROM = 20;
const PAGE_SIZE = 100;
/** Requests for pages are worth it up to one for so many jobs. */
const JOBS_PER_PAGE = 4;
/** How far our clock may be ahead of the service's, in milliseconds. */
const CLOCK_TOLERANCE_MS = 60_000;

type LookEnd = LookedChunk['ends'][number];

/** One attempt at a look at some jobs. */
export class Look {
  private readonly ends = new Map<number, LookEnd>();
  private readonly polls: number[];
  private readonly untilMs: number;
  private resultBytes = 0;
  private retryInMs: number | undefined;
  private problem = '';

  private readonly deps: ReadDeps;
  private readonly request: LookChunkRequest;
  private readonly context: ActivityContext;

  constructor(deps: ReadDeps, request: LookChunkRequest, context: ActivityContext) {
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
    return onBehalfOfJob(this.deps.services, this.request, unit);
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
    await together(
      indices,
      READS_AT_ONCE,
      (at) => this.askFor(at),
      () => this.isSpent,
    );
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
