import type { CostTally } from './cost.ts';
import { addCosts, mergeCosts, noCosts } from './cost.ts';
import type { Watcher } from './watchers.ts';
import { costScale } from './watchers.ts';

/** How many were looked at, and how many of those were bad. */
export interface Tally {
  readonly n: number;
  readonly k: number;
}

/** What is counted in shares. A job enters each of them once, at its own time. */
export type Gate = 'errors' | 'slowObjective' | 'slowAbort';

/** What happened in one stretch of time. */
export type Bucket = { readonly startMs: number } & { readonly [G in Gate]: Tally };

/**
 * All that the verdicts of a stage rest on. Plain data of bounded size: it fits a workflow's state. Counting and merging give
 * the same result in any order, bit for bit, as long as every sample is counted once.
 */
export interface Counters {
  /** Width of a bucket: the one asked for, doubled as often as was needed to keep to `MAX_BUCKETS`. */
  readonly bucketMs: number;
  /** Sorted by time; stretches without samples have none. */
  readonly buckets: readonly Bucket[];
  /** Time of the newest sample; absent without samples. */
  readonly newestMs?: number;
  /** Absent when cost is not watched. */
  readonly cost?: CostTally;
}

/** What became known of one job. A field that is absent is not (or not yet, or already) counted. */
export interface Sample {
  /** Epoch milliseconds when it came to be; decides the bucket. */
  readonly atMs: number;
  readonly failed?: boolean;
  /** Slower than the latency's objective, and than its abort threshold; see `latencyEntry`. */
  readonly slowObjective?: boolean;
  readonly slowAbort?: boolean;
  readonly costMicros?: number;
}

/** Buckets kept at most; after folding there are at least half as many, enough to see how bursty errors are. */
export const MAX_BUCKETS = 64;

/** Empty counters for these watchers. A bucket of 30 to 60 s is about as long as a burst. */
export function emptyCounters(watchers: readonly Watcher[], bucketMs = 60_000): Counters {
  const cost = watchers.find((watcher) => watcher.metric === 'cost');
  return { bucketMs, buckets: [], ...(cost === undefined ? {} : { cost: noCosts(costScale(cost)) }) };
}

/** Counts samples in. Each must be new: who reads them drops duplicates. */
export function countSamples(counters: Counters, samples: readonly Sample[]): Counters {
  const fresh = samples.map((sample): Bucket => ({
    startMs: sample.atMs,
    errors: once(sample.failed),
    slowObjective: once(sample.slowObjective),
    slowAbort: once(sample.slowAbort),
  }));
  const costs = samples.flatMap(({ costMicros }) => (costMicros === undefined ? [] : [costMicros]));
  const newestMs = samples.reduce((newest, { atMs }) => Math.max(newest, atMs), counters.newestMs ?? -Infinity);
  return {
    ...fold(counters.bucketMs, [...counters.buckets, ...fresh]),
    ...(newestMs === -Infinity ? {} : { newestMs }),
    ...(counters.cost === undefined ? {} : { cost: addCosts(counters.cost, costs) }),
  };
}

/** The counters of all samples of both. They must come from the same settings and have no sample in common. */
export function mergeCounters(a: Counters, b: Counters): Counters {
  const bucketMs = Math.max(a.bucketMs, b.bucketMs);
  if (bucketMs % Math.min(a.bucketMs, b.bucketMs) !== 0) {
    throw new RangeError(`buckets of ${a.bucketMs} and ${b.bucketMs} ms do not fit into each other`);
  }
  const newestMs = Math.max(a.newestMs ?? -Infinity, b.newestMs ?? -Infinity);
  const cost = a.cost === undefined || b.cost === undefined ? (a.cost ?? b.cost) : mergeCosts(a.cost, b.cost);
  return {
    ...fold(bucketMs, [...a.buckets, ...b.buckets]),
    ...(newestMs === -Infinity ? {} : { newestMs }),
    ...(cost === undefined ? {} : { cost }),
  };
}

/** The tallies of one gate, bucket by bucket, those without a sample left out. */
export function series(counters: Counters, gate: Gate): readonly Tally[] {
  return counters.buckets.map((bucket) => bucket[gate]).filter(({ n }) => n > 0);
}

export function total(tallies: readonly Tally[]): Tally {
  return tallies.reduce(plus, NONE);
}

export function plus(a: Tally, b: Tally): Tally {
  return { n: a.n + b.n, k: a.k + b.k };
}

const NONE: Tally = { n: 0, k: 0 };

function once(bad: boolean | undefined): Tally {
  return bad === undefined ? NONE : { n: 1, k: bad ? 1 : 0 };
}

/**
 * Sorts into buckets of the smallest width, doubled from the given one, at which there are few enough. That width depends on
 * what was counted and not on the order: a part of the samples never needs wider buckets than all of them.
 */
function fold(bucketMs: number, buckets: readonly Bucket[]): Pick<Counters, 'bucketMs' | 'buckets'> {
  const byStart = new Map<number, Bucket>();
  for (const bucket of buckets) {
    const startMs = Math.floor(bucket.startMs / bucketMs) * bucketMs;
    const present = byStart.get(startMs);
    byStart.set(startMs, present === undefined ? { ...bucket, startMs } : join(present, bucket));
  }
  if (byStart.size > MAX_BUCKETS) return fold(bucketMs * 2, [...byStart.values()]);
  return { bucketMs, buckets: [...byStart.values()].toSorted((a, b) => a.startMs - b.startMs) };
}

function join(a: Bucket, b: Bucket): Bucket {
  return {
    startMs: a.startMs,
    errors: plus(a.errors, b.errors),
    slowObjective: plus(a.slowObjective, b.slowObjective),
    slowAbort: plus(a.slowAbort, b.slowAbort),
  };
}
