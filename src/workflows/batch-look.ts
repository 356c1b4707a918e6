import { CancellationScope } from '@temporalio/workflow';
import type { LookedChunk } from '../contracts/batch.ts';
import { endOf, type Failed } from './activity-failure.ts';
import { chunkRead } from './batch-activities.ts';
import type { BatchedJob } from './batch-progress.ts';
import type { BatchRun } from './batch-run.ts';
import type { Admitted } from './job-progress.ts';

/** Jobs of one activity that follows webhooks up. */
const MOST_FETCHED = 200;

/** A poll under way, on one route. */
interface Poll {
  readonly jobs: ReadonlySet<BatchedJob>;
  readonly cancel: () => void;
}

/** Looks of one run at the service: webhooks followed up, and polls where none came. */
export class BatchLooks {
  /** A look that follows webhooks up is under way. */
  isFetching = false;
  private readonly polls = new Map<string, Poll>();
  private readonly rounds = new Map<string, number>();
  private readonly run: BatchRun;

  constructor(run: BatchRun) {
    this.run = run;
  }

  /** Starts what is to be asked now. @returns when there will be more, epoch milliseconds */
  start(): number {
    this.fetchHinted();
    return this.pollDue();
  }

  /** Polls are dropped with their run, and begin anew in the next. */
  stop(): void {
    for (const { cancel } of this.polls.values()) cancel();
    this.polls.clear();
  }

  private fetchHinted(): void {
    if (this.isFetching) return;
    const [group] = this.run.byAdmission(({ job }) => job.externalId !== null && job.hasHint);
    if (group === undefined) return;
    const [admitted, all] = group;
    const jobs = all.slice(0, MOST_FETCHED);
    for (const batched of jobs) {
      while (batched.job.hasHint) batched.job.takeHint();
      batched.isFetching = true;
    }
    this.isFetching = true;
    const fetching = async (): Promise<void> => {
      const end = await endOf(this.look(admitted, jobs, true, 0));
      this.isFetching = false;
      for (const batched of jobs) batched.isFetching = false;
      if ('answer' in end) this.takeOver(jobs, end.answer);
      else this.failed(jobs, end.failed);
      this.run.tell();
    };
    void fetching();
  }

  private pollDue(): number {
    const nowMs = Date.now();
    let nextMs = Infinity;
    const isWaiting = ({ job, isFetching }: BatchedJob): boolean => job.externalId !== null && !isFetching;
    for (const [admitted, waiting] of this.run.byAdmission(isWaiting)) {
      const lane = this.run.lane(admitted);
      const poll = this.polls.get(lane);
      const due = waiting.filter((batched) => batched.dueMs <= nowMs || poll?.jobs.has(batched));
      for (const { dueMs } of waiting) if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      if (due.length === 0) continue;
      if (poll !== undefined) {
        const news = due.some((batched) => !poll.jobs.has(batched));
        // A poll that asks for many that are over costs more than a new one.
        if (!news && due.length * 2 >= poll.jobs.size) continue;
        poll.cancel();
      }
      this.startPoll(lane, admitted, due);
    }
    return nextMs;
  }

  private startPoll(lane: string, admitted: Admitted, jobs: readonly BatchedJob[]): void {
    const scope = new CancellationScope({ cancellable: true });
    const poll: Poll = { jobs: new Set(jobs), cancel: () => scope.cancel() };
    const round = this.rounds.get(lane) ?? 0;
    this.polls.set(lane, poll);
    const polling = async (): Promise<void> => {
      const end = await scope.run(() => endOf(this.look(admitted, jobs, false, round)));
      // One that was replaced has nothing to say that its successor will not.
      if (this.polls.get(lane) !== poll) return;
      this.polls.delete(lane);
      if ('answer' in end) {
        this.rounds.set(lane, round + end.answer.rounds);
        this.takeOver(jobs, end.answer);
      } else this.failed(jobs, end.failed);
      this.run.tell();
    };
    void polling();
  }

  private async look(
    admitted: Admitted,
    jobs: readonly BatchedJob[],
    hinted: boolean,
    round: number,
  ): Promise<LookedChunk> {
    const { run } = this;
    const lane = run.lane(admitted);
    const call = {
      lane,
      policy: admitted.policy,
      leftMs: run.leftMs(admitted),
      activityId: run.nextId(hinted ? 'fetch' : 'poll'),
      summary: `${hinted ? 'Fetch' : 'Poll'} ${jobs.length} jobs of ${lane}`,
    };
    return chunkRead(call).lookChunk({
      ...run.common(admitted),
      hinted,
      round,
      sinceMs: run.progress.startedAtMs,
      jobs: jobs.map(({ job: { request, externalId } }) => ({
        key: request.key,
        generation: request.generation,
        unit: request.unit,
        externalId: externalId ?? '',
      })),
    });
  }

  private takeOver(jobs: readonly BatchedJob[], { ends, polls, nextInMs }: LookedChunk): void {
    const nowMs = Date.now();
    for (const [at, batched] of jobs.entries()) {
      batched.job.polls += polls[at] ?? 0;
      batched.dueMs = nowMs + nextInMs;
    }
    for (const end of ends) {
      const batched = jobs[end.at];
      if (batched === undefined) continue;
      if ('observation' in end) batched.job.observe(end.observation);
      else batched.job.giveUp(end.failed.code, end.failed.message);
      this.run.progress.settle(batched, nowMs);
    }
  }

  private failed(jobs: readonly BatchedJob[], { outOfTime, code, message }: Failed): void {
    for (const batched of jobs) {
      // Told to wait past the deadline: only a webhook can end it in time, and then it expires.
      batched.dueMs = Infinity;
      if (!outOfTime) batched.job.giveUp(code, message);
      this.run.progress.settle(batched, Date.now());
    }
  }
}
