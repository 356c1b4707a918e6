/** Share of failed jobs, in 0..1. */
export interface ErrorWatcher {
  readonly metric: 'errors';
  /** Promote only at or below this share. */
  readonly objective: number;
  /** A service this bad is to be aborted. Above `objective`. */
  readonly abort: number;
}

/** A percentile of the time a job takes, decided by counting the jobs slower than a threshold. */
export interface LatencyWatcher {
  readonly metric: 'latency';
  /** 0.95 means P95: at most 5 % of the jobs may be slower. */
  readonly percentile: number;
  readonly objectiveMs: number;
  /** Above `objectiveMs`. */
  readonly abortMs: number;
}

/** Mean cost of a job, in micro-dollars. */
export interface CostWatcher {
  readonly metric: 'cost';
  readonly objectiveMicros: number;
  /** Above `objectiveMicros`. */
  readonly abortMicros: number;
  /** The most one job may ever cost; a single charge above it aborts. Above `abortMicros`. */
  readonly capMicros: number;
  /** What one stage may spend altogether; more aborts. */
  readonly stageLimitMicros?: number;
}

/** What costs are measured against. */
export interface CostScale {
  readonly capMicros: number;
  /** Between 0 and the cap. */
  readonly thresholdMicros: number;
}

export function costScale({ capMicros, abortMicros }: CostWatcher): CostScale {
  return { capMicros, thresholdMicros: abortMicros };
}

export type Watcher = ErrorWatcher | LatencyWatcher | CostWatcher;

export const DEFAULT_WATCHERS: readonly [ErrorWatcher, LatencyWatcher, CostWatcher] = [
  { metric: 'errors', objective: 0.01, abort: 0.05 },
  { metric: 'latency', percentile: 0.95, objectiveMs: 5_000, abortMs: 10_000 },
  { metric: 'cost', objectiveMicros: 20_000, abortMicros: 50_000, capMicros: 500_000 },
];

/** How much evidence is discounted for bad events that come in bursts. */
export interface PhiSpec {
  /** Assumed without being seen: short stages rarely show how bursty errors are. At least 1. */
  readonly floor: number;
  /**
   * The same for an abort, where it is to be assumed worse than for a promotion: it delays an abort, and no promotion. A few bursts
   * that fall one into each bucket look like independent errors, and every stage is another chance of that.
   * @default floor
   */
  readonly abortFloor?: number;
  /** The most that is ever excused as a burst, so that a service which breaks for good in the middle of a stage is aborted. */
  readonly ceiling: number;
}

/** The risks of a wrong verdict, per watcher and stage. */
export interface Confidence {
  /** Of aborting a good service; also of promoting a slow one. */
  readonly alpha: number;
  /** Of accepting a bad one. */
  readonly beta: number;
  readonly phi: PhiSpec;
}

export const DEFAULT_CONFIDENCE: Confidence = {
  alpha: 0.001,
  beta: 0.01,
  phi: { floor: 3, abortFloor: 4, ceiling: 10 },
};

/** How bursts are judged when it is about an abort. */
export function phiToAbort(spec: PhiSpec): PhiSpec {
  return { ...spec, floor: Math.max(spec.floor, spec.abortFloor ?? spec.floor) };
}

/** What is wrong with a watcher's numbers, one sentence each, for whoever reads the configuration; empty when nothing is. */
export function watcherProblems(watcher: Watcher): readonly string[] {
  if (watcher.metric === 'errors') return rising({ objective: watcher.objective, abort: watcher.abort }, 1);
  if (watcher.metric === 'latency') {
    const { percentile, objectiveMs, abortMs } = watcher;
    return [...rising({ percentile }, 1), ...rising({ objectiveMs, abortMs })];
  }
  const { objectiveMicros, abortMicros, capMicros, stageLimitMicros } = watcher;
  return [
    ...rising({ objectiveMicros, abortMicros, capMicros }),
    ...(stageLimitMicros === undefined ? [] : rising({ stageLimitMicros })),
  ];
}

function rising(named: Readonly<Record<string, number>>, below = Infinity): readonly string[] {
  const values = Object.values(named);
  if ([...values, below].every((value, i) => value > (values[i - 1] ?? 0))) return [];
  const names = Object.keys(named).join(' < ');
  const limit = below === Infinity ? '' : ` < ${below}`;
  return [`0 < ${names}${limit} must hold (got ${values.join(', ')})`];
}
