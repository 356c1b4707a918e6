import type { Tally } from './counters.ts';

/** Tells a share of bad events of `p1` (or more) from one of `p0` (or less); 0 < p0 < p1 < 1. */
export interface Sprt {
  readonly p0: number;
  readonly p1: number;
  /** Chance of aborting at a share of p0, and of accepting at p1. */
  readonly alpha: number;
  readonly beta: number;
}

/**
 * The log-likelihood ratio of p1 to p0: k·ln(p1/p0) + (n − k)·ln((1 − p1)/(1 − p0)) (Wald 1945).
 * It knows only the two counts, so samples may come in any order and from anywhere.
 */
export function llr({ p0, p1 }: Pick<Sprt, 'p0' | 'p1'>, { n, k }: Tally): number {
  return k * Math.log(p1 / p0) + (n - k) * Math.log((1 - p1) / (1 - p0));
}

/** Evidence needed, in nats: abort at LLR/φ ≥ `abort`, accept at −LLR/φ ≥ `accept`. By Ville's inequality valid at every look. */
export function sprtBounds({ alpha, beta }: Pick<Sprt, 'alpha' | 'beta'>): {
  readonly abort: number;
  readonly accept: number;
} {
  return { abort: Math.log(1 / alpha), accept: Math.log(1 / beta) };
}

/** From how many samples on k bad ones are accepted, evidence being discounted by `phi`. */
export function acceptFrom(sprt: Sprt, k: number, phi: number): number {
  const perBad = Math.log(sprt.p1 / sprt.p0);
  const perGood = Math.log((1 - sprt.p0) / (1 - sprt.p1));
  return k + Math.ceil((sprtBounds(sprt).accept * phi + k * perBad) / perGood);
}
