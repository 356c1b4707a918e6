import type { Tally } from './counters.ts';
import { plus, total } from './counters.ts';
import type { PhiSpec } from './watchers.ts';

/** Neighbouring buckets are taken together up to this many samples: in buckets of one, every sequence looks independent. */
const GROUP = 20;

/**
 * φ, how many times fewer independent events there are than were counted: Pearson's dispersion over the time buckets,
 *
 *   Σ (k_b − n_b·p)² / (n_b·p·(1 − p)) / (B − 1), which is (Σ k_b²/n_b − k²/n) / (p·(1 − p)) / (B − 1), with p = k/n,
 *
 * within the floor and the ceiling. Independent errors give 1, errors in runs of five about 5.
 */
export function dispersion(series: readonly Tally[], { floor, ceiling }: PhiSpec): number {
  const { n, k } = total(series);
  const groups = grouped(series);
  if (k === 0 || k === n || groups.length < 2) return floor;
  const p = k / n;
  const between = groups.reduce((sum, group) => sum + group.k ** 2 / group.n, 0) - k * p;
  return Math.min(ceiling, Math.max(floor, between / (p * (1 - p)) / (groups.length - 1)));
}

/** Joins neighbours until each has enough samples; what is left over at the end goes to the last. */
function grouped(series: readonly Tally[]): readonly Tally[] {
  const groups: Tally[] = [];
  let open: Tally = { n: 0, k: 0 };
  for (const tally of series) {
    open = plus(open, tally);
    if (open.n < GROUP) continue;
    groups.push(open);
    open = { n: 0, k: 0 };
  }
  const last = groups.pop();
  return last === undefined ? [open] : [...groups, plus(last, open)];
}

/** A service that does nothing but fail is not a burst: this many of the first samples, all bad, and it is dead. */
export function deadAfter(phi: number): number {
  return Math.max(5, Math.ceil(2 * phi));
}

/** Whether everything failed, and often enough. */
export function isDead({ n, k }: Tally, phi: number): boolean {
  return k === n && n >= deadAfter(phi);
}
