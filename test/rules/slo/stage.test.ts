import { describe, expect, it } from '@jest/globals';
import type { Sample } from '../../../src/rules/slo/counters.ts';
import { countSamples, emptyCounters } from '../../../src/rules/slo/counters.ts';
import type { StageFacts, StageRules } from '../../../src/rules/slo/stage.ts';
import { judgeStage, watchRollout } from '../../../src/rules/slo/stage.ts';
import { RULE_VERSION } from '../../../src/rules/slo/verdict.ts';
import { DEFAULT_WATCHERS } from '../../../src/rules/slo/watchers.ts';
import { oneBucket } from './support.ts';

const [ERRORS, LATENCY, COST] = DEFAULT_WATCHERS;
const HOUR = 3_600_000;
const RULES: StageRules = { watchers: DEFAULT_WATCHERS, minSamples: 500, minSoakMs: HOUR };
const GOOD: Sample = { atMs: HOUR / 2, failed: false, slowObjective: false, slowAbort: false, costMicros: 10_000 };

const counted = (n: number, change: Partial<Sample> = {}) =>
  countSamples(
    emptyCounters(DEFAULT_WATCHERS),
    Array.from({ length: n }, () => ({ ...GOOD, ...change })),
  );

const FACTS: StageFacts = { nowMs: HOUR, enteredMs: 0, counters: counted(500), outage: false };

describe('the verdict on a stage', () => {
  it('promotes when all watchers pass, with exactly the samples and the soak demanded', () => {
    const verdict = judgeStage(RULES, FACTS);
    expect(verdict).toMatchObject({
      outcome: 'PASS',
      action: 'promote',
      reason: 'passed',
      ruleVersion: RULE_VERSION,
      rollout: [],
    });
    expect(verdict.watchers.map(({ metric, outcome }) => [metric, outcome])).toEqual([
      ['errors', 'PASS'],
      ['latency', 'PASS'],
      ['cost', 'PASS'],
    ]);
    expect(verdict.because).toBe(verdict.watchers.map(({ because }) => because).join(' '));
  });

  it('waits for the last sample demanded', () => {
    expect(judgeStage(RULES, { ...FACTS, counters: counted(499) })).toMatchObject({
      outcome: 'INCONCLUSIVE',
      action: 'hold',
      reason: 'too-few-samples',
      because: '499 of at least 500 samples so far.',
    });
  });

  it('waits for the last millisecond of the soak', () => {
    expect(judgeStage(RULES, { ...FACTS, nowMs: HOUR - 60_000 })).toMatchObject({
      outcome: 'INCONCLUSIVE',
      action: 'hold',
      reason: 'soaking',
      because: 'In this stage for 59 min of at least 1 h.',
    });
    expect(judgeStage(RULES, { ...FACTS, nowMs: HOUR - 1 }).reason).toBe('soaking');
  });

  it.each([
    ['errors', { failed: true }],
    ['latency', { slowAbort: true, slowObjective: true }],
    ['cost', { costMicros: 80_000 }],
  ])('aborts when %s fail, however good the rest, and however early', (metric, change) => {
    const verdict = judgeStage(RULES, { ...FACTS, nowMs: 1, counters: counted(120, change) });
    const failed = verdict.watchers.filter(({ outcome }) => outcome === 'FAIL');
    expect(verdict).toMatchObject({ outcome: 'FAIL', action: 'abort', reason: 'watcher-failed' });
    expect(failed.map((watcher) => watcher.metric)).toEqual([metric]);
    expect(verdict.because).toBe(failed[0]?.because);
  });

  it('goes on while one watcher is undecided', () => {
    const counters = counted(500, { costMicros: 50_000 });
    expect(judgeStage(RULES, { ...FACTS, counters })).toMatchObject({
      outcome: 'INCONCLUSIVE',
      action: 'hold',
      reason: 'undecided',
      because: expect.stringMatching(/^500 jobs at a mean cost of \$0\.05/),
    });
  });

  it('neither passes nor fails without samples', () => {
    expect(judgeStage(RULES, { ...FACTS, counters: counted(0) })).toMatchObject({
      outcome: 'ERROR',
      action: 'hold',
      reason: 'no-samples',
      because: 'No samples for errors.',
    });
  });

  it('does not pass a watcher that saw nothing because the others are content', () => {
    const { costMicros: _cost, ...free } = GOOD;
    const counters = countSamples(
      emptyCounters(DEFAULT_WATCHERS),
      Array.from({ length: 500 }, () => free),
    );
    expect(judgeStage(RULES, { ...FACTS, counters })).toMatchObject({
      outcome: 'ERROR',
      action: 'hold',
      because: 'No samples for cost.',
    });
  });

  it('neither passes nor fails when samples cannot be read', () => {
    for (const counters of [counted(500), counted(500, { failed: true })]) {
      expect(judgeStage(RULES, { ...FACTS, counters, unreadable: 'visibility timed out' })).toMatchObject({
        outcome: 'ERROR',
        action: 'hold',
        reason: 'unreadable',
        because: 'The samples could not be read: visibility timed out',
      });
    }
  });

  it('does not pass on old samples when traffic has ceased', () => {
    const rules = { ...RULES, quietMs: HOUR / 2 };
    expect(judgeStage(rules, FACTS).outcome).toBe('PASS');
    expect(judgeStage(rules, { ...FACTS, nowMs: HOUR + 1 })).toMatchObject({
      outcome: 'ERROR',
      action: 'hold',
      reason: 'quiet',
      because: 'The last sample is 30 min old.',
    });
  });

  describe('while the service is down for everyone', () => {
    const outage = { ...FACTS, outage: true };

    it('holds, whether it would abort or promote', () => {
      for (const counters of [counted(500), counted(500, { failed: true }), counted(0)]) {
        expect(judgeStage(RULES, { ...outage, counters })).toMatchObject({
          outcome: 'INCONCLUSIVE',
          action: 'hold',
          reason: 'outage',
          because: 'The service is down or shut off for everyone, which says nothing about this version.',
        });
      }
    });

    it('still aborts for money', () => {
      expect(judgeStage(RULES, { ...outage, counters: counted(1, { costMicros: 600_000 }) }).action).toBe('abort');
    });
  });

  describe('with the whole rollout in view', () => {
    const bad = oneBucket({ errors: { n: 3_000, k: 150 } });

    it('aborts on what no single stage shows', () => {
      expect(judgeStage(RULES, { ...FACTS, rollout: bad })).toMatchObject({
        outcome: 'FAIL',
        action: 'abort',
        reason: 'rollout-failed',
        because: expect.stringMatching(/^Over the whole rollout: 150 of 3000 jobs failed, 5 %/),
      });
    });

    it('holds in an outage there, too', () => {
      expect(judgeStage(RULES, { ...FACTS, rollout: bad, outage: true }).reason).toBe('outage');
    });

    it('never accepts, and has nothing to say without samples', () => {
      for (const watcher of DEFAULT_WATCHERS) {
        expect(watchRollout(watcher, counted(3_000)).outcome).toBe('INCONCLUSIVE');
        expect(watchRollout(watcher, counted(0)).outcome).toBe('INCONCLUSIVE');
      }
      expect(watchRollout(ERRORS, bad).outcome).toBe('FAIL');
      expect(watchRollout(LATENCY, counted(10, { slowAbort: true })).outcome).toBe('FAIL');
    });

    it("does not apply one stage's spending limit", () => {
      const watcher = { ...COST, stageLimitMicros: 5_000_000 };
      expect(watchRollout(watcher, counted(3_000)).outcome).toBe('INCONCLUSIVE');
      expect(watchRollout(watcher, counted(3_000, { costMicros: 500_001 })).outcome).toBe('FAIL');
    });
  });
});
