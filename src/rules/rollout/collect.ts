import type { Route } from '../../contracts/states.ts';
import type { Counters, Sample } from '../slo/counters.ts';
import { countSamples, emptyCounters } from '../slo/counters.ts';
import { latencyEntry } from '../slo/latency.ts';
import type { Outage } from '../slo/outage.ts';
import { metOutage } from '../slo/outage.ts';
import type { Watcher } from '../slo/watchers.ts';

/** A job as a source of samples shows it. */
export interface SampledJob {
  readonly workflowId: string;
  /** Identifies the run; what duplicates are told by. */
  readonly runId: string;
  /** `<rollout id>:<stage>`. */
  readonly stage: string;
  /** Where admission sent it. */
  readonly route: Route;
  /** Epoch milliseconds. */
  readonly startedMs: number;
  /** Absent while it runs. */
  readonly finishedMs?: number;
  /** How it ended: `excused` for what says nothing of the service, such as a mistake of the caller. Absent while it runs. */
  readonly end?: 'good' | 'bad' | 'excused';
  readonly costMicros?: number;
  /** Of one that runs: it may have ended this long ago without having told, milliseconds. @default 0 */
  readonly toldLateMs?: number;
}

/** All that was collected of a rollout. Plain data, so that it survives in a heartbeat and in a workflow's state. */
export interface Collected {
  /** Up to when the source has been read; absent before the first time. */
  readonly asOfMs?: number;
  /** What of a job has been counted, as bits, and when it was last read; for as long as it may be read again. */
  readonly known: Readonly<Record<string, readonly [bits: number, readMs: number]>>;
  /** Of the present stage. */
  readonly stage: Counters;
  /** Of the rollout from its first stage on. */
  readonly rollout: Counters;
  readonly outages: readonly Outage[];
}

const ENDED = 1;
const OBJECTIVE = 2;
const ABORT = 4;
/** Visibility learns of an end late, by milliseconds as a rule; so much later it is still read. */
const LATE_MS = 30_000;
/** Outages remembered; a job older than so many outages ago is none of a rollout's. */
const MOST_OUTAGES = 20;

/** Nothing collected yet. */
export function nothingCollected(watchers: readonly Watcher[]): Collected {
  return { known: {}, stage: emptyCounters(watchers), rollout: emptyCounters(watchers), outages: [] };
}

/** The same rollout at the beginning of its next stage: fresh counters for the stage. */
export function nextStage(collected: Collected, watchers: readonly Watcher[]): Collected {
  return { ...collected, stage: emptyCounters(watchers) };
}

/** Jobs that ended earlier than this need not be read again; 0 before the first reading. */
export function readFromMs({ asOfMs }: Collected, watchers: readonly Watcher[]): number {
  return asOfMs === undefined ? 0 : asOfMs - windowMs(watchers);
}

/** A fast job counts once its age passes the thresholds, so it is read again until then. */
function windowMs(watchers: readonly Watcher[]): number {
  return Math.max(0, ...watchers.map((watcher) => (watcher.metric === 'latency' ? watcher.abortMs : 0))) + LATE_MS;
}

/** Notes whether the service is down for everyone at the moment. */
export function noteOutage(
  collected: Collected,
  open: { readonly sinceMs: number } | undefined,
  nowMs: number,
): Collected {
  const { outages } = collected;
  const last = outages.at(-1);
  const isDown = last !== undefined && last.toMs === undefined;
  if (isDown === (open !== undefined)) return collected;
  if (open === undefined) {
    return { ...collected, outages: outages.map((outage) => ({ toMs: nowMs, ...outage })) };
  }
  return { ...collected, outages: [...outages, { fromMs: open.sinceMs }].slice(-MOST_OUTAGES) };
}

/**
 * Counts what has come to be known of jobs: each end once, and each passing of a latency threshold once, however often and in
 * whatever order a job is read.
 * @param jobs every job of the rollout that runs, or ended since {@link readFromMs}
 * @param asOfMs when the source was read
 */
export function collect(
  collected: Collected,
  jobs: readonly SampledJob[],
  stage: string,
  watchers: readonly Watcher[],
  asOfMs: number,
): Collected {
  const forgetMs = asOfMs - 2 * windowMs(watchers);
  const known = Object.fromEntries(Object.entries(collected.known).filter(([, [, readMs]]) => readMs >= forgetMs));
  const ofStage: Sample[] = [];
  const ofRollout: Sample[] = [];
  const seen = new Set<string>();
  for (const job of jobs) {
    if (seen.has(job.runId)) continue;
    seen.add(job.runId);
    const before = collected.known[job.runId]?.[0] ?? 0;
    const { samples, bits } = samplesOf(job, before, watchers, collected.outages, asOfMs);
    ofRollout.push(...samples);
    if (job.stage === stage) ofStage.push(...samples);
    if (bits !== 0) known[job.runId] = [bits, asOfMs];
  }
  return {
    ...collected,
    asOfMs: Math.max(asOfMs, collected.asOfMs ?? 0),
    known,
    stage: countSamples(collected.stage, ofStage),
    rollout: countSamples(collected.rollout, ofRollout),
  };
}

function samplesOf(
  job: SampledJob,
  before: number,
  watchers: readonly Watcher[],
  outages: readonly Outage[],
  asOfMs: number,
): { readonly samples: readonly Sample[]; readonly bits: number } {
  const samples: Sample[] = [];
  let bits = before;
  const excused = job.end === 'excused' || metOutage(job, outages);
  if (job.finishedMs !== undefined && (bits & ENDED) === 0) {
    bits |= ENDED;
    const { costMicros } = job;
    samples.push({
      atMs: job.finishedMs,
      ...(excused ? {} : { failed: job.end === 'bad' }),
      ...(costMicros === undefined ? {} : { costMicros }),
    });
  }
  const latency = watchers.find((watcher) => watcher.metric === 'latency');
  if (latency === undefined) return { samples, bits };
  for (const [bit, field, thresholdMs] of [
    [OBJECTIVE, 'slowObjective', latency.objectiveMs],
    [ABORT, 'slowAbort', latency.abortMs],
  ] as const) {
    const entry = (bits & bit) === 0 ? latencyEntry(job, thresholdMs, asOfMs - (job.toldLateMs ?? 0)) : undefined;
    if (entry === undefined) continue;
    bits |= bit;
    if (!excused) samples.push({ atMs: entry.atMs, [field]: entry.slow });
  }
  return { samples, bits };
}
