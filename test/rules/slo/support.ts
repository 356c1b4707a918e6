import type { Bucket, Counters, Tally } from '../../../src/rules/slo/counters.ts';
import type { Outcome } from '../../../src/rules/slo/verdict.ts';

/** Counters that saw nothing but one bucket, so that φ stays at its floor. */
export function oneBucket(counts: Partial<Omit<Bucket, 'startMs'>>): Counters {
  const none: Tally = { n: 0, k: 0 };
  return {
    bucketMs: 60_000,
    buckets: [{ startMs: 0, errors: none, slowObjective: none, slowAbort: none, ...counts }],
    newestMs: 0,
  };
}

/** Seeded numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Log-normal with the given mean (Box and Muller). */
export function logNormal(random: () => number, mean: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return mean * Math.exp(sigma * normal - (sigma * sigma) / 2);
}

/** The chance per request, outside of a run, that a run of `length` bad ones begins, for a mean share of `share`. */
export function runStart(share: number, length: number): number {
  return share / (length - share * (length - 1));
}

export type Decision = 'abort' | 'promote' | undefined;

/** What a verdict means for a run that is watched until it is decided. */
export function decisionOf(outcome: Outcome): Decision {
  if (outcome === 'FAIL') return 'abort';
  return outcome === 'PASS' ? 'promote' : undefined;
}

/**
 * The integer bounds of a rule on two counts, found by bisection for each number of bad ones: it aborts up to `abortTo` samples and
 * promotes from `promoteFrom` on. That needs a rule which more good samples only ever make milder.
 */
export function boundsOf(rule: (tally: Tally) => Decision, horizon: number) {
  const firstWhere = (k: number, holds: (decision: Decision) => boolean): number => {
    let [low, high] = [Math.max(1, k) - 1, horizon + 1];
    while (high - low > 1) {
      const n = Math.floor((low + high) / 2);
      if (holds(rule({ n, k }))) high = n;
      else low = n;
    }
    return high;
  };
  const known: { readonly abortTo: number; readonly promoteFrom: number }[] = [];
  return (k: number) =>
    (known[k] ??= {
      abortTo: firstWhere(k, (decision) => decision !== 'abort') - 1,
      promoteFrom: firstWhere(k, (decision) => decision === 'promote'),
    });
}

/** The same rule by its bounds: asked a few times for each number of bad ones, and not for every pair of counts. */
export function byBounds(rule: (tally: Tally) => Decision, horizon = 3_000): (n: number, k: number) => Decision {
  const bounds = boundsOf(rule, horizon);
  return (n, k) => {
    const { abortTo, promoteFrom } = bounds(k);
    if (n <= abortTo) return 'abort';
    return n >= promoteFrom ? 'promote' : undefined;
  };
}

/** How runs of a sequential rule end. */
export interface Characteristic {
  readonly abort: number;
  readonly promote: number;
  /** Still open at the horizon. */
  readonly open: number;
  /** Mean number of requests until the end or the horizon. */
  readonly meanN: number;
}

/** Exact chances of how a rule ends, asked after every request, by dynamic programming. Bad requests come in runs of `length`. */
export function characteristic(
  rule: (n: number, k: number) => Decision,
  share: number,
  horizon: number,
  length = 1,
): Characteristic {
  const start = runStart(share, length);
  let [abort, promote, meanN] = [0, 0, 0];
  // mass[r][k]: chance of being undecided with k bad ones, r more of the run to come. Chances that do not matter are left out.
  let mass: number[][] = Array.from({ length }, (_, left) => (left === 0 ? [1] : []));
  for (let n = 1; n <= horizon; n++) {
    const next: number[][] = mass.map(() => []);
    const arrive = (row: number[], k: number, chance: number): void => {
      if (chance < 1e-15) return;
      const decision = rule(n, k);
      if (decision === 'abort') abort += chance;
      else if (decision === 'promote') promote += chance;
      else row[k] = (row[k] ?? 0) + chance;
    };
    for (const [left, row] of mass.entries()) {
      for (let k = 0; k < row.length; k++) {
        const chance = row[k] ?? 0;
        if (chance === 0) continue;
        meanN += chance;
        if (left > 0) {
          arrive(next[left - 1] ?? [], k + 1, chance);
        } else {
          arrive(next[length - 1] ?? [], k + 1, chance * start);
          arrive(next[0] ?? [], k, chance * (1 - start));
        }
      }
    }
    mass = next;
  }
  const open = mass.reduce((sum, row) => row.reduce((total, chance) => total + chance, sum), 0);
  return { abort, promote, open, meanN };
}
