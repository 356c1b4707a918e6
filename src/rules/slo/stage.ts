import type { Counters } from './counters.ts';
import { duration } from './say.ts';
import type { Outcome, WatcherVerdict } from './verdict.ts';
import { judge, RULE_VERSION } from './verdict.ts';
import type { Confidence, Watcher } from './watchers.ts';
import { DEFAULT_CONFIDENCE } from './watchers.ts';

/** What a stage demands. */
export interface StageRules {
  /** At least one. */
  readonly watchers: readonly Watcher[];
  /** Every watcher must have seen this many, even if fewer would decide. */
  readonly minSamples: number;
  /** The stage lasts at least this long. */
  readonly minSoakMs: number;
  /** Without a new sample for longer than this, nothing passes. @default unlimited */
  readonly quietMs?: number;
  /** @default DEFAULT_CONFIDENCE */
  readonly confidence?: Confidence;
}

/** What is known of a stage when it is judged. */
export interface StageFacts {
  readonly nowMs: number;
  readonly enteredMs: number;
  /** Counters of this stage alone. */
  readonly counters: Counters;
  /** Counters of the rollout from its first stage on, this one included. */
  readonly rollout?: Counters;
  /** Why samples could not be read, or are older than they should be; absent when they were read. */
  readonly unreadable?: string;
  /** The service is down for everyone (its breaker is open), or nothing is sent to it (killed, budget spent), which says nothing about this version. */
  readonly outage: boolean;
}

type StageReason =
  | 'passed'
  | 'watcher-failed'
  | 'rollout-failed'
  | 'outage'
  | 'unreadable'
  | 'no-samples'
  | 'quiet'
  | 'undecided'
  | 'too-few-samples'
  | 'soaking';

export interface StageVerdict {
  readonly outcome: Outcome;
  /** What follows. `hold`: neither up nor down; whoever holds has a deadline of its own. */
  readonly action: 'promote' | 'abort' | 'hold';
  readonly reason: StageReason;
  /** One sentence for people. */
  readonly because: string;
  readonly ruleVersion: string;
  /** In the order of the rules. */
  readonly watchers: readonly WatcherVerdict[];
  /** Of the whole rollout; they fail or are inconclusive, never more. */
  readonly rollout: readonly WatcherVerdict[];
}

/**
 * The verdict on a stage. One failed watcher aborts; all must pass, with samples and time enough, to promote. What cannot be
 * read or has no samples neither passes nor fails. An outage of the service excuses errors and slowness, but not money spent.
 */
export function judgeStage(rules: StageRules, facts: StageFacts): StageVerdict {
  const { confidence = DEFAULT_CONFIDENCE } = rules;
  const watchers = rules.watchers.map((watcher) => judge(watcher, facts.counters, confidence));
  const { rollout: longer } = facts;
  const rollout =
    longer === undefined ? [] : rules.watchers.map((watcher) => watchRollout(watcher, longer, confidence));
  const [outcome, action, reason, because] = decide(rules, facts, watchers, rollout);
  return { outcome, action, reason, because, ruleVersion: RULE_VERSION, watchers, rollout };
}

/** Whether people are to be told that there is nothing to judge by. A stage that has just begun is not worth a word. */
export function isBlind({ reason }: Pick<StageVerdict, 'reason'>): boolean {
  return reason === 'unreadable' || reason === 'quiet';
}

/**
 * Watches a whole rollout for what no single stage shows. It fails by the same evidence as a stage and never accepts; a
 * stage's own spending limit is not its business.
 */
export function watchRollout(watcher: Watcher, counters: Counters, confidence?: Confidence): WatcherVerdict {
  const unlimited = watcher.metric === 'cost' ? { ...watcher, stageLimitMicros: Infinity } : watcher;
  const verdict = judge(unlimited, counters, confidence);
  return verdict.outcome === 'FAIL' ? verdict : { ...verdict, outcome: 'INCONCLUSIVE' };
}

type Decision = readonly [outcome: Outcome, action: StageVerdict['action'], reason: StageReason, because: string];

function decide(
  rules: StageRules,
  facts: StageFacts,
  watchers: readonly WatcherVerdict[],
  rollout: readonly WatcherVerdict[],
): Decision {
  if (facts.unreadable !== undefined) {
    return ['ERROR', 'hold', 'unreadable', `The samples could not be read: ${facts.unreadable}`];
  }
  const counts = ({ outcome, metric }: WatcherVerdict): boolean =>
    outcome === 'FAIL' && (metric === 'cost' || !facts.outage);
  const failed = watchers.find(counts);
  if (failed !== undefined) return ['FAIL', 'abort', 'watcher-failed', failed.because];
  const failedLong = rollout.find(counts);
  if (failedLong !== undefined) {
    return ['FAIL', 'abort', 'rollout-failed', `Over the whole rollout: ${failedLong.because}`];
  }
  if (facts.outage) {
    return [
      'INCONCLUSIVE',
      'hold',
      'outage',
      'The service is down or shut off for everyone, which says nothing about this version.',
    ];
  }
  const { newestMs } = facts.counters;
  const quietMs = facts.nowMs - (newestMs ?? facts.enteredMs);
  if (quietMs > (rules.quietMs ?? Infinity)) {
    const because =
      newestMs === undefined ? `No sample for ${duration(quietMs)}.` : `The last sample is ${duration(quietMs)} old.`;
    return ['ERROR', 'hold', 'quiet', because];
  }
  const blind = watchers.find(({ outcome }) => outcome === 'ERROR');
  if (blind !== undefined) return ['ERROR', 'hold', 'no-samples', `No samples for ${blind.metric}.`];
  const open = watchers.find(({ outcome }) => outcome === 'INCONCLUSIVE');
  if (open !== undefined) return ['INCONCLUSIVE', 'hold', 'undecided', open.because];
  const fewest = Math.min(...watchers.map(({ promote }) => promote.n));
  if (fewest < rules.minSamples) {
    const because = `${fewest} of at least ${rules.minSamples} samples so far.`;
    return ['INCONCLUSIVE', 'hold', 'too-few-samples', because];
  }
  const soakedMs = facts.nowMs - facts.enteredMs;
  if (soakedMs < rules.minSoakMs) {
    const because = `In this stage for ${duration(soakedMs)} of at least ${duration(rules.minSoakMs)}.`;
    return ['INCONCLUSIVE', 'hold', 'soaking', because];
  }
  return ['PASS', 'promote', 'passed', watchers.map((verdict) => verdict.because).join(' ')];
}
