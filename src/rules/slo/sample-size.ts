import type { CostTally } from './cost.ts';
import { addCosts, costEvidence, noCosts } from './cost.ts';
import { deadAfter } from './dispersion.ts';
import { fastFrom, slowBudget } from './latency.ts';
import { leastAbove } from './least.ts';
import { duration, percent } from './say.ts';
import { acceptFrom, sprtBounds } from './sprt.ts';
import type { Confidence, CostWatcher, Watcher } from './watchers.ts';
import { costScale, DEFAULT_CONFIDENCE } from './watchers.ts';

const DAY_MS = 86_400_000;

/**
 * The fewest samples a watcher passes with: none bad, every job at exactly the cost's objective, bursts as assumed by φ's floor.
 * Each bad one adds to it.
 */
export function samplesToPass(watcher: Watcher, confidence: Confidence = DEFAULT_CONFIDENCE): number {
  const { alpha, beta, phi } = confidence;
  if (watcher.metric === 'cost') return samplesToPassCost(watcher, confidence);
  if (watcher.metric === 'latency') return fastFrom(0, slowBudget(watcher), alpha, phi.floor);
  return acceptFrom({ p0: watcher.objective, p1: watcher.abort, alpha, beta }, 0, phi.floor);
}

function samplesToPassCost(watcher: CostWatcher, confidence: Confidence): number {
  const { accept } = sprtBounds(confidence);
  const one = addCosts(noCosts(costScale(watcher)), [watcher.objectiveMicros]);
  const after = (n: number): CostTally => ({ ...one, down: one.down.map((log) => log * n) });
  return leastAbove(0, (n) => costEvidence(after(n)).below >= accept);
}

/**
 * How many samples, all good, it takes to claim "less than `share` are bad": (1 − share)^(n/φ) ≤ 1 − level.
 * 299 for 1 % at 95 %, without bursts.
 */
export function samplesToCertify(share: number, level = 0.95, phi = 1): number {
  return Math.ceil((phi * Math.log(1 - level)) / Math.log(1 - share));
}

/** How long a number of samples takes at so much traffic in all, of which `weightBps` ten-thousandths arrive; `Infinity` without. */
export function timeForSamplesMs(samples: number, requestsPerDay: number, weightBps: number): number {
  return (samples * DAY_MS) / (requestsPerDay * (weightBps / 10_000));
}

/** One stage of a plan, as far as its duration goes. */
export interface StagePlan {
  readonly watchers: readonly Watcher[];
  readonly minSamples: number;
  readonly minSoakMs: number;
  /** How long the stage may take at most. */
  readonly deadlineMs?: number;
  /** Share of the traffic, in ten-thousandths. For an allow list what it is thought to bring. */
  readonly weightBps: number;
  readonly confidence?: Confidence;
}

/** What to expect of a stage, with Infinity for what never comes. */
export interface StageForecast {
  /** Samples each watcher needs to pass, in the order of the watchers. */
  readonly toPass: readonly { readonly metric: Watcher['metric']; readonly samples: number }[];
  /** Samples the whole stage needs: the most of any watcher, and the configured minimum. */
  readonly samples: number;
  readonly samplesTakeMs: number;
  /** With the soak. */
  readonly takesMs: number;
  /** A service that fails everything is stopped after so many. */
  readonly deadAfter: number;
  /** Samples, all good, that would certify the errors' objective itself at 95 %; absent when errors are not watched. */
  readonly toCertify?: number;
  /** What to know of it: that it is too small to certify its objective, or cannot be done in time. */
  readonly notes: readonly string[];
}

/** Forecasts how many samples and how much time a stage needs at the recent traffic. */
export function forecastStage(stage: StagePlan, requestsPerDay: number): StageForecast {
  const { confidence = DEFAULT_CONFIDENCE } = stage;
  const { floor } = confidence.phi;
  const toPass = stage.watchers.map((watcher) => ({
    metric: watcher.metric,
    samples: samplesToPass(watcher, confidence),
  }));
  const samples = Math.max(stage.minSamples, ...toPass.map((need) => need.samples));
  const samplesTakeMs = timeForSamplesMs(samples, requestsPerDay, stage.weightBps);
  const takesMs = Math.max(stage.minSoakMs, samplesTakeMs);
  const errors = stage.watchers.find((watcher) => watcher.metric === 'errors');
  const toCertify = errors && samplesToCertify(errors.objective, 0.95, floor);
  const notes: string[] = [];
  if (errors !== undefined && toCertify !== undefined && samples < toCertify) {
    notes.push(
      `Too small to certify an error rate below ${percent(errors.objective)}: ${samples} samples reject a service as bad as ` +
        `${percent(errors.abort)}; certifying takes ${toCertify} without an error.`,
    );
  }
  if (samplesTakeMs === Infinity) notes.push('No traffic: the stage will hold until its deadline.');
  else if (takesMs > (stage.deadlineMs ?? Infinity)) {
    notes.push(`Takes about ${duration(takesMs)} at the recent traffic, longer than its deadline allows.`);
  }
  return {
    toPass,
    samples,
    samplesTakeMs,
    takesMs,
    deadAfter: deadAfter(floor),
    ...(toCertify === undefined ? {} : { toCertify }),
    notes,
  };
}
