import type { Interval } from './special-functions.ts';
import { meanInterval } from './special-functions.ts';
import type { CostScale } from './watchers.ts';

/**
 * What is remembered of any number of costs: `x = cost / cap`, `m = threshold / cap`. All sums are of integers, so they are the same in any order.
 * `up` and `down` are the logarithms of the twelve bets' capital, in units of 2^-32.
 */
export interface CostTally {
  readonly scale: CostScale;
  readonly n: number;
  readonly sumMicros: number;
  readonly maxMicros: number;
  /** Charges above the cap. */
  readonly overCap: number;
  /** Sum of x², in units of 2^-30; for the displayed interval only. */
  readonly squares: number;
  readonly up: readonly number[];
  readonly down: readonly number[];
}

/** Stakes of the bets that the mean is above, and below, the threshold: small ones find small differences, large ones are quick. */
const UP = [0.03, 0.06, 0.12, 0.25, 0.5, 0.9] as const;
const DOWN = [0.1, 0.2, 0.4, 0.6, 0.8, 1] as const;

const LOG_UNIT = 2 ** 32;
const SQUARE_UNIT = 2 ** 30;

export function noCosts(scale: CostScale): CostTally {
  const zeros = UP.map(() => 0);
  return { scale, n: 0, sumMicros: 0, maxMicros: 0, overCap: 0, squares: 0, up: zeros, down: zeros };
}

/**
 * Takes costs into account, each a whole number of micro-dollars.
 *
 * K⁺ = mean over λ of Π(1 + λ(x − m)), λ = stake/m; K⁻ = mean of Π(1 − λ(x − m)), λ = 0.99·stake/(1 − m): the capital of a
 * gambler who bets on a mean above, or below, m. Were he wrong, he would reach 1/α with a chance of at most α, however often
 * one looks (Waudby-Smith and Ramdas 2024, doi 10.1093/jrsssb/qkad009). A product has no order, so its logarithms merge;
 * rounding them down keeps that promise.
 */
export function addCosts(tally: CostTally, costsMicros: Iterable<number>): CostTally {
  const { capMicros, thresholdMicros } = tally.scale;
  const m = thresholdMicros / capMicros;
  let { n, sumMicros, maxMicros, overCap, squares } = tally;
  const up = [...tally.up];
  const down = [...tally.down];
  for (const costMicros of costsMicros) {
    if (!Number.isSafeInteger(costMicros) || costMicros < 0) {
      throw new RangeError(`a cost must be a whole number of micro-dollars, 0 or more (got ${costMicros})`);
    }
    const x = Math.min(1, costMicros / capMicros);
    n += 1;
    sumMicros += costMicros;
    maxMicros = Math.max(maxMicros, costMicros);
    overCap += costMicros > capMicros ? 1 : 0;
    squares += Math.floor(x * x * SQUARE_UNIT);
    UP.forEach((stake, i) => (up[i] = (up[i] ?? 0) + wager((stake / m) * (x - m))));
    DOWN.forEach((stake, i) => (down[i] = (down[i] ?? 0) + wager(((-0.99 * stake) / (1 - m)) * (x - m))));
  }
  return { scale: tally.scale, n, sumMicros, maxMicros, overCap, squares, up, down };
}

function wager(gain: number): number {
  return Math.floor(Math.log1p(gain) * LOG_UNIT);
}

export function mergeCosts(a: CostTally, b: CostTally): CostTally {
  assertScale(a.scale, b.scale);
  return {
    scale: a.scale,
    n: a.n + b.n,
    sumMicros: a.sumMicros + b.sumMicros,
    maxMicros: Math.max(a.maxMicros, b.maxMicros),
    overCap: a.overCap + b.overCap,
    squares: a.squares + b.squares,
    up: plus(a.up, b.up),
    down: plus(a.down, b.down),
  };
}

/**
 * Capital won against one threshold says nothing of another.
 * @throws RangeError when the scales differ
 */
export function assertScale(a: CostScale, b: CostScale): void {
  if (a.capMicros === b.capMicros && a.thresholdMicros === b.thresholdMicros) return;
  throw new RangeError(
    `costs were counted against a threshold of ${a.thresholdMicros} and a cap of ${a.capMicros} micro-dollars, not ` +
      `${b.thresholdMicros} and ${b.capMicros}: start fresh counters when the thresholds change`,
  );
}

function plus(left: readonly number[], right: readonly number[]): readonly number[] {
  return left.map((value, i) => value + (right[i] ?? 0));
}

/** ln K⁺ and ln K⁻: evidence that the mean is above, and below, the threshold. */
export function costEvidence(tally: CostTally): { readonly above: number; readonly below: number } {
  return { above: lnMeanExp(tally.up), below: lnMeanExp(tally.down) };
}

function lnMeanExp(logs: readonly number[]): number {
  const values = logs.map((log) => log / LOG_UNIT);
  const greatest = Math.max(...values);
  return greatest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - greatest), 0) / values.length);
}

/** Mean cost and its 95 % interval, in micro-dollars, for display. Needs at least one cost. */
export function meanCost(tally: CostTally): { readonly pointMicros: number; readonly intervalMicros: Interval } {
  const pointMicros = tally.sumMicros / tally.n;
  const meanSquare = (tally.squares / SQUARE_UNIT / tally.n) * tally.scale.capMicros ** 2;
  return { pointMicros, intervalMicros: meanInterval(pointMicros, meanSquare - pointMicros ** 2, tally.n) };
}
