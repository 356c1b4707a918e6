import {
  condition,
  setCurrentDetails,
  sleep,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { BATCH_PUBLISHES_EVERY_MS, type BatchMemo } from '../contracts/batch.ts';
import { laneOf } from '../contracts/queues.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { describeBatch } from './batch-details.ts';
import type { BatchedJob, BatchProgress } from './batch-progress.ts';
import type { Admitted } from './job-progress.ts';

/** A run continues as new well before the server warns of its history, at 10,240 events or 10 MB. */
const MOST_EVENTS = 8_000;
const MOST_BYTES = 8 * 1024 * 1024;

/** One run of a part: what its phases share. */
export class BatchRun {
  /** Somebody asked for the batch to be canceled. */
  cancelRequested = false;
  /** Chunks of submits under way, by activity id. */
  readonly submits = new Map<string, { readonly cancel: () => void }>();
  /** Those that were left may not be tried before, epoch milliseconds. */
  retryAtMs = 0;
  private hasNews = false;
  private readonly alarms = new Set<number>();
  private publishedMs = -Infinity;
  private published = '';
  private activities = 0;
  readonly progress: BatchProgress;

  constructor(progress: BatchProgress) {
    this.progress = progress;
  }

  /** Something happened that the loop has to look at. */
  readonly tell = (): void => {
    this.hasNews = true;
  };

  async news(): Promise<void> {
    await condition(() => this.hasNews);
    this.hasNews = false;
  }

  /** Looks again at a time. A timer that is out anyway, and earlier, serves as well. */
  wakeAt(atMs: number): void {
    if (atMs === Infinity || [...this.alarms].some((alarm) => alarm <= atMs)) return;
    this.alarms.add(atMs);
    const ring = async (): Promise<void> => {
      await sleep(Math.max(1, atMs - Date.now()));
      this.alarms.delete(atMs);
      this.tell();
    };
    void ring();
  }

  /** An activity id of its own. */
  nextId(what: string): string {
    this.activities += 1;
    return `${what}-${this.activities}`;
  }

  deadlineAtMs({ policy }: Admitted): number {
    return this.progress.startedAtMs + policy.deadlineMs;
  }

  leftMs(admitted: Admitted): number {
    return Math.max(1, this.deadlineAtMs(admitted) - Date.now());
  }

  lane({ route }: Admitted): string {
    return laneOf(this.progress.input.service, route);
  }

  /** What the requests of all chunks on one route say. */
  common(admitted: Admitted) {
    const { service, name, part, tags } = this.progress.input;
    return {
      batch: { service, name, part },
      route: admitted.route,
      deadlineAtMs: this.deadlineAtMs(admitted),
      ...(tags === undefined ? {} : { tags }),
    };
  }

  /** Time to begin a new run: its outcomes or its history have grown. */
  get mustContinue(): boolean {
    const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
    return (
      this.progress.isPageFull || continueAsNewSuggested || historyLength > MOST_EVENTS || historySize > MOST_BYTES
    );
  }

  /** Shows how the part stands: in the Web UI always, in the memo at most every two seconds and at the end. */
  publish(): void {
    const { progress } = this;
    const nowMs = Date.now();
    const counts = progress.counts();
    const isOver = progress.open.size === 0;
    setCurrentDetails(describeBatch(progress, nowMs));
    const text = JSON.stringify(counts);
    if (text === this.published) return;
    if (!isOver && nowMs - this.publishedMs < BATCH_PUBLISHES_EVERY_MS) {
      this.wakeAt(this.publishedMs + BATCH_PUBLISHES_EVERY_MS);
      return;
    }
    this.published = text;
    this.publishedMs = nowMs;
    const rollout = progress.rolloutMemo();
    const memo: Pick<BatchMemo, 'counts' | 'rollout'> = { counts, ...(rollout === undefined ? {} : { rollout }) };
    upsertMemo({ ...memo });
    if (isOver) this.publishEnd(nowMs, counts.costMicros);
  }

  private publishEnd(nowMs: number, costMicros: number): void {
    const { state, latencyMs, costMicros: costKey } = SEARCH_ATTRIBUTES;
    upsertSearchAttributes([
      { key: state, value: 'COMPLETED' },
      { key: latencyMs, value: nowMs - this.progress.startedAtMs },
      { key: costKey, value: costMicros },
    ]);
  }

  /** Open jobs that fit, by what they were admitted to. */
  byAdmission(fits: (batched: BatchedJob) => boolean): Map<Admitted, BatchedJob[]> {
    const groups = new Map<Admitted, BatchedJob[]>();
    for (const batched of this.progress.open.values()) {
      const { admitted } = batched.job;
      if (admitted === undefined || !fits(batched)) continue;
      const group = groups.get(admitted);
      if (group === undefined) groups.set(admitted, [batched]);
      else group.push(batched);
    }
    return groups;
  }
}

/** In pieces of at most `most`. */
export function pieces<Item>(items: readonly Item[], most: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, nth) => items.slice(nth * most, (nth + 1) * most));
}
