import { assertScale, costEvidence, meanCost } from './cost.ts';
import type { Counters, Gate } from './counters.ts';
import { series, total } from './counters.ts';
import { dispersion, isDead } from './dispersion.ts';
import { fastEvidence, slowBudget, slowShares } from './latency.ts';
import { dollars, duration, estimate, percent, short, toTheMicro } from './say.ts';
import type { Interval } from './special-functions.ts';
import { wilson } from './special-functions.ts';
import { llr, sprtBounds } from './sprt.ts';
import type { Confidence, CostWatcher, ErrorWatcher, LatencyWatcher, PhiSpec, Watcher } from './watchers.ts';
import { costScale, DEFAULT_CONFIDENCE, phiToAbort } from './watchers.ts';

/** Recorded with every verdict. To be raised with any change that could turn one verdict into another. */
export const RULE_VERSION = 'slo-2';

/**
 * `PASS`: established that it is good enough. `FAIL`: established that it is too bad, or a hard limit was passed.
 * `INCONCLUSIVE`: neither, so far. `ERROR`: there is nothing to judge by.
 */
export type Outcome = 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'ERROR';

/** Why, for machines. The last three are `FAIL` at once, whatever the evidence. */
type VerdictReason =
  | 'no-samples'
  | 'undecided'
  | 'above-objective'
  | 'established-good'
  | 'established-bad'
  | 'all-bad'
  | 'charge-above-cap'
  | 'stage-limit-spent';

/** One question, and how far it is from being answered with yes: `evidence` of `bound`. */
export interface GateReading {
  readonly n: number;
  /** Bad ones: failed, slower than the threshold, or charged above the cap. */
  readonly k: number;
  /** Evidence in nats before the discount: ± the log-likelihood ratio, −ln BinCDF (promotion of latency) or ln K (cost). */
  readonly llr: number;
  readonly phi: number;
  /** Evidence discounted by `phi`: the answer is yes from `bound` on. */
  readonly evidence: number;
  readonly bound: number;
  /** What was measured and its interval, for display; absent without samples. A share, or micro-dollars. */
  readonly point?: number;
  readonly interval?: Interval;
  /** The threshold in the same unit: what to stay within (`promote`), or what would be too bad (`abort`). */
  readonly limit: number;
}

/** A watcher's verdict with all it rests on, so that anyone can do the sum again. */
export interface WatcherVerdict {
  readonly metric: Watcher['metric'];
  readonly outcome: Outcome;
  readonly reason: VerdictReason;
  /** One sentence for people. */
  readonly because: string;
  readonly ruleVersion: string;
  readonly abort: GateReading;
  readonly promote: GateReading;
}

/** Judges one watcher by everything counted so far. May be called at any time and as often as one likes. */
export function judge(
  watcher: Watcher,
  counters: Counters,
  confidence: Confidence = DEFAULT_CONFIDENCE,
): WatcherVerdict {
  if (watcher.metric === 'errors') return judgeErrors(watcher, counters, confidence);
  if (watcher.metric === 'latency') return judgeLatency(watcher, counters, confidence);
  return judgeCost(watcher, counters, confidence);
}

type Finding = readonly [outcome: Outcome, reason: VerdictReason, because: string];

function judgeErrors(watcher: ErrorWatcher, counters: Counters, confidence: Confidence): WatcherVerdict {
  const bounds = sprtBounds(confidence);
  const { objective, abort: tooBad } = watcher;
  const bad = readShare(counters, 'errors', phiToAbort(confidence.phi));
  const share = readShare(counters, 'errors', confidence.phi);
  const ratio = llr({ p0: objective, p1: tooBad }, share);
  const abort = { ...bad, llr: ratio, evidence: ratio / bad.phi, bound: bounds.abort, limit: tooBad };
  const promote = { ...share, llr: -ratio, evidence: -ratio / share.phi, bound: bounds.accept, limit: objective };
  return verdict(
    'errors',
    abort,
    promote,
    findShare(abort, promote, { p0: objective, tooBad: 'failed', bad: 'failed' }, confidence.phi),
  );
}

function judgeLatency(watcher: LatencyWatcher, counters: Counters, confidence: Confidence): WatcherVerdict {
  const budget = slowBudget(watcher);
  const { abort: bound } = sprtBounds(confidence);
  const slow = readShare(counters, 'slowAbort', phiToAbort(confidence.phi));
  const shares = slowShares(watcher);
  const ratio = llr(shares, slow);
  const abort = { ...slow, llr: ratio, evidence: ratio / slow.phi, bound, limit: budget };
  const share = readShare(counters, 'slowObjective', confidence.phi);
  const promote = {
    ...share,
    llr: fastEvidence(share, budget, 1),
    evidence: fastEvidence(share, budget, share.phi),
    bound,
    limit: budget,
  };
  const words = { p0: shares.p0, tooBad: slower(watcher.abortMs), bad: slower(watcher.objectiveMs) };
  return verdict('latency', abort, promote, findShare(abort, promote, words, confidence.phi));
}

function slower(ms: number): string {
  return `took longer than ${duration(ms)}`;
}

function readShare(counters: Counters, gate: Gate, spec: PhiSpec) {
  const tallies = series(counters, gate);
  const { n, k } = total(tallies);
  return { n, k, phi: dispersion(tallies, spec), ...(n === 0 ? {} : { point: k / n, interval: wilson(k, n) }) };
}

/** How the jobs that count are called, and the share that the abort threshold is told from. */
interface Words {
  readonly p0: number;
  readonly tooBad: string;
  readonly bad: string;
}

function findShare(abort: GateReading, promote: GateReading, { p0, tooBad, bad }: Words, { floor }: PhiSpec): Finding {
  if (abort.n === 0 && promote.n === 0) return NO_SAMPLES;
  if (isDead(abort, floor)) return ['FAIL', 'all-bad', `All of the first ${abort.n} jobs ${tooBad}.`];
  const limit = percent(abort.limit);
  if (abort.evidence >= abort.bound) {
    const because = `${counted(abort, tooBad)}: far more likely at ${limit} than at ${percent(p0)}.`;
    return ['FAIL', 'established-bad', because];
  }
  const seen = counted(promote, bad);
  if (promote.evidence < promote.bound) {
    return ['INCONCLUSIVE', 'undecided', `${seen}: ${stillOpen(abort, promote)}.`];
  }
  if (promote.k / promote.n > promote.limit) {
    const because = `${seen}: enough evidence of less than ${limit}, but above the objective of ${percent(promote.limit)}.`;
    return ['INCONCLUSIVE', 'above-objective', because];
  }
  const because = `${seen}: enough evidence of less than ${limit}, and within the objective of ${percent(promote.limit)}.`;
  return ['PASS', 'established-good', because];
}

function counted(reading: GateReading, bad: string): string {
  return `${reading.k} of ${reading.n} jobs ${bad}${measured(reading, ', ', percent)}`;
}

function judgeCost(watcher: CostWatcher, counters: Counters, { alpha, beta }: Confidence): WatcherVerdict {
  const { cost } = counters;
  if (cost !== undefined) assertScale(cost.scale, costScale(watcher));
  const { above, below } = cost === undefined ? { above: 0, below: 0 } : costEvidence(cost);
  const mean = cost === undefined || cost.n === 0 ? undefined : meanCost(cost);
  const bounds = sprtBounds({ alpha, beta });
  const read = (evidence: number, bound: number, limit: number): GateReading => ({
    n: cost?.n ?? 0,
    k: cost?.overCap ?? 0,
    llr: evidence,
    phi: 1,
    evidence,
    bound,
    ...(mean === undefined ? {} : { point: mean.pointMicros, interval: mean.intervalMicros }),
    limit,
  });
  const abort = read(above, bounds.abort, watcher.abortMicros);
  const promote = read(below, bounds.accept, watcher.objectiveMicros);
  return verdict('cost', abort, promote, findCost(watcher, counters, abort, promote));
}

function findCost(watcher: CostWatcher, { cost }: Counters, abort: GateReading, promote: GateReading): Finding {
  if (cost === undefined || cost.n === 0) return NO_SAMPLES;
  if (cost.overCap > 0) {
    const because = `A job cost ${toTheMicro(cost.maxMicros)}; none may cost more than ${toTheMicro(watcher.capMicros)}.`;
    return ['FAIL', 'charge-above-cap', because];
  }
  const { stageLimitMicros = Infinity } = watcher;
  if (cost.sumMicros > stageLimitMicros) {
    const because = `The stage spent ${toTheMicro(cost.sumMicros)}, more than its limit of ${toTheMicro(stageLimitMicros)}.`;
    return ['FAIL', 'stage-limit-spent', because];
  }
  const seen = `${cost.n} jobs at a mean cost of${measured(promote, ' ', dollars)}`;
  const limit = dollars(abort.limit);
  if (abort.evidence >= abort.bound)
    return ['FAIL', 'established-bad', `${seen}: enough evidence of more than ${limit}.`];
  if (promote.evidence < promote.bound) {
    return ['INCONCLUSIVE', 'undecided', `${seen}: ${stillOpen(abort, promote)}.`];
  }
  // In whole numbers: a mean exactly at the objective meets it.
  if (cost.sumMicros > watcher.objectiveMicros * cost.n) {
    const because = `${seen}: enough evidence of less than ${limit}, but above the objective of ${dollars(promote.limit)}.`;
    return ['INCONCLUSIVE', 'above-objective', because];
  }
  const because = `${seen}: enough evidence of less than ${limit}, and within the objective of ${dollars(promote.limit)}.`;
  return ['PASS', 'established-good', because];
}

const NO_SAMPLES: Finding = ['ERROR', 'no-samples', 'There are no samples to judge by.'];

function measured({ point, interval }: GateReading, before: string, unit: (value: number) => string): string {
  return point === undefined || interval === undefined ? '' : `${before}${estimate(point, interval, unit)}`;
}

function stillOpen(abort: GateReading, promote: GateReading): string {
  const progress = ({ evidence, bound }: GateReading): string => `${short(Math.max(0, evidence))} of ${short(bound)}`;
  return `undecided (evidence to promote ${progress(promote)}, to abort ${progress(abort)})`;
}

function verdict(
  metric: Watcher['metric'],
  abort: GateReading,
  promote: GateReading,
  [outcome, reason, because]: Finding,
): WatcherVerdict {
  return { metric, outcome, reason, because, ruleVersion: RULE_VERSION, abort, promote };
}
