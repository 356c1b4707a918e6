import type {
  BatchCarried,
  BatchCounts,
  BatchHint,
  BatchInput,
  BatchJob,
  BatchJobStatus,
  BatchOutcome,
  BatchRolloutMemo,
  BatchSample,
  ChunkProgress,
  KeptJob,
} from '../contracts/batch.ts';
import type { JobOutcome } from '../contracts/jobs.ts';
import { isTerminal } from '../contracts/states.ts';
import { JobProgress, type Admitted } from './job-progress.ts';

/** One job of a part that is not over. */
export interface BatchedJob {
  readonly job: JobProgress;
  /** What was submitted of it without success. */
  submit?: ChunkProgress;
  /** It is in a chunk under way. */
  isSubmitting: boolean;
  /** A look at it is under way. */
  isFetching: boolean;
  /** When it is to be asked for, epoch milliseconds; Infinity before the service has it. */
  dueMs: number;
  /** Somebody asked for this one to be canceled. */
  cancelRequested: boolean;
}

/** A job's outcome takes about so many bytes without its result. */
const OUTCOME_BYTES = 300;
/** From so many bytes of outcomes on a run continues as new, which leaves them behind as a page. */
const PAGE_BYTES = 512 * 1024;

/** All that one part knows of its jobs. Holds no promise. */
export class BatchProgress {
  /** By key. */
  readonly open = new Map<string, BatchedJob>();
  /** Outcomes of this run, in the order the jobs ended. */
  readonly page: BatchOutcome[] = [];
  /** Outcomes of earlier runs. */
  readonly earlier: number;
  readonly startedAtMs: number;
  readonly samples: BatchSample[];
  readonly input: BatchInput;
  private readonly workflowId: string;
  private readonly size: number;
  private readonly ended: Record<'COMPLETED' | 'FAILED' | 'CANCELED', number>;
  private readonly errors: Record<string, number>;
  private costMicros: number;
  private heldBytes = 0;
  private staged: Pick<BatchRolloutMemo, 'stage' | 'route'> | undefined;
  private readonly onEnd: (outcome: JobOutcome) => void;

  /** @param onEnd told how each job ended */
  constructor(input: BatchInput, workflowId: string, nowMs: number, onEnd: (outcome: JobOutcome) => void) {
    const { carried, jobs } = input;
    this.input = input;
    this.onEnd = onEnd;
    this.workflowId = workflowId;
    this.startedAtMs = carried?.startedAtMs ?? nowMs;
    this.earlier = carried?.ended ?? 0;
    this.size = this.earlier + jobs.length;
    const { COMPLETED = 0, FAILED = 0, CANCELED = 0, errors = {}, costMicros = 0 } = carried?.counts ?? {};
    this.ended = { COMPLETED, FAILED, CANCELED };
    this.errors = { ...errors };
    this.costMicros = costMicros;
    this.samples = [...(carried?.samples ?? [])];
    for (const job of jobs) this.take(job, carried);
  }

  private take({ key, unit = key, generation = 1, input }: BatchJob, carried: BatchCarried | undefined): void {
    const { service, tags } = this.input;
    const request = {
      service,
      key,
      generation,
      unit,
      input,
      // What tells a reused key is compared for the part as a whole.
      fingerprint: '',
      ...(tags === undefined ? {} : { tags }),
    };
    const job = new JobProgress(request, this.workflowId, this.startedAtMs);
    const batched: BatchedJob = {
      job,
      isSubmitting: false,
      isFetching: false,
      dueMs: Infinity,
      cancelRequested: false,
    };
    const kept = carried?.kept[key];
    if (kept !== undefined) {
      if (kept.admission !== undefined) job.admitted = carried?.admissions[kept.admission];
      job.resume(kept);
      if (kept.submit !== undefined) batched.submit = kept.submit;
      if (kept.dueMs !== undefined) batched.dueMs = kept.dueMs;
      for (const hint of kept.hints ?? []) this.heldBytes += sizeOf(hint.observation);
    }
    this.open.set(key, batched);
  }

  /** Takes a webhook. What its payload says is dropped where there is no room for it: then the job is asked for. */
  hinted({ key, hint }: BatchHint, nowMs: number): void {
    const batched = this.open.get(key);
    if (batched === undefined) return;
    const { observation, ...plain } = hint;
    const bytes = sizeOf(observation);
    const fits = observation !== undefined && !this.isPageFull;
    if (fits) this.heldBytes += bytes;
    batched.job.hinted(fits ? hint : plain);
    this.settle(batched, nowMs);
  }

  /** Follows up what is known of a job by now. */
  settle(batched: BatchedJob, nowMs: number): void {
    const { job } = batched;
    while (job.externalId !== null && !job.over && job.hasTrusted) {
      const trusted = job.takeTrusted();
      if (trusted === undefined) break;
      this.heldBytes -= sizeOf(trusted);
      job.observe(trusted);
    }
    if (job.over) this.end(batched, nowMs);
  }

  private end({ job }: BatchedJob, nowMs: number): void {
    const { key, unit } = job.request;
    if (!this.open.delete(key)) return;
    const whole = job.outcome(nowMs);
    this.onEnd(whole);
    const { service: _, workflowId: _id, ...outcome } = whole;
    this.page.push(unit === key ? outcome : { ...outcome, unit });
    this.heldBytes += sizeOf(outcome.result) + OUTCOME_BYTES;
    this.ended[outcome.state] += 1;
    this.costMicros += outcome.costMicros;
    const code = outcome.error?.code;
    if (code !== undefined) this.errors[code] = (this.errors[code] ?? 0) + 1;
    if (this.isStaged(job)) this.samples.push([outcome.latencyMs, code ?? 'good', outcome.costMicros]);
  }

  /** True for a job that counts for the rollout this part belongs to: the stage and route of the first that was admitted in one. */
  private isStaged({ admitted }: JobProgress): boolean {
    if (admitted?.stage === undefined) return false;
    this.staged ??= { stage: admitted.stage, route: admitted.route };
    return admitted.stage === this.staged.stage && admitted.route === this.staged.route;
  }

  /** What the rollout reads of this part. */
  rolloutMemo(): BatchRolloutMemo | undefined {
    const { samples, startedAtMs: startedMs } = this;
    let open = 0;
    for (const { job } of this.open.values()) if (this.isStaged(job)) open += 1;
    return this.staged && { ...this.staged, startedMs, jobs: open + samples.length, samples };
  }

  /** Time to leave the outcomes behind. */
  get isPageFull(): boolean {
    return this.heldBytes >= (this.input.pageBytes ?? PAGE_BYTES);
  }

  counts(): BatchCounts {
    let processing = 0;
    for (const { job } of this.open.values()) if (job.state === 'PROCESSING') processing += 1;
    return {
      CREATED: this.open.size - processing,
      PROCESSING: processing,
      ...this.ended,
      costMicros: this.costMicros,
      errors: this.errors,
    };
  }

  get total(): number {
    return this.size;
  }

  /** How one job stands. Of jobs that ended in earlier runs nothing is known here. */
  statusOf(key: string): BatchJobStatus | null {
    const job = this.open.get(key)?.job;
    if (job !== undefined) {
      const { generation, state, externalId, route, polls, webhooks } = job.status();
      return { key, generation, state, externalId, route, polls, webhooks, outcome: null };
    }
    const outcome = this.page.find((ended) => ended.key === key);
    if (outcome === undefined) return null;
    const { generation, state, externalId, route, polls, webhooks } = outcome;
    return { key, generation, state, externalId, route, polls, webhooks, outcome };
  }

  /** What the next run goes on with. */
  carry(): BatchInput {
    const admissions: Admitted[] = [];
    const kept: Record<string, KeptJob> = {};
    const jobs: BatchJob[] = [];
    for (const [key, { job, submit, dueMs }] of this.open) {
      const { unit, generation, input } = job.request;
      jobs.push({
        key,
        ...(unit === key ? {} : { unit }),
        ...(generation === 1 ? {} : { generation }),
        // The service has it: it is not sent again.
        input: job.externalId === null ? input : null,
      });
      const { admitted } = job;
      if (admitted !== undefined && !admissions.includes(admitted)) admissions.push(admitted);
      kept[key] = {
        ...job.keep(),
        ...(admitted === undefined ? {} : { admission: admissions.indexOf(admitted) }),
        ...(submit === undefined ? {} : { submit }),
        ...(dueMs === Infinity ? {} : { dueMs }),
      };
    }
    const { service, name, part, tags, pageBytes } = this.input;
    return {
      service,
      name,
      part,
      jobs,
      ...(tags === undefined ? {} : { tags }),
      ...(pageBytes === undefined ? {} : { pageBytes }),
      carried: {
        startedAtMs: this.startedAtMs,
        counts: this.counts(),
        page: this.page,
        ended: this.earlier + this.page.length,
        ...(this.samples.length === 0 ? {} : { samples: this.samples }),
        admissions,
        kept,
      },
    };
  }
}

function sizeOf(value: unknown): number {
  return value === undefined || value === null ? 0 : JSON.stringify(value).length;
}

/** True for a job that waits for its submit. */
export function isUnsent({ job, isSubmitting }: BatchedJob): boolean {
  return job.externalId === null && !isSubmitting && !isTerminal(job.state);
}
