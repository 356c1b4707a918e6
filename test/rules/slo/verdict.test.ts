import { describe, expect, it } from '@jest/globals';
import { countSamples, emptyCounters } from '../../../src/rules/slo/counters.ts';
import type { CostWatcher } from '../../../src/rules/slo/watchers.ts';
import { DEFAULT_CONFIDENCE, DEFAULT_WATCHERS } from '../../../src/rules/slo/watchers.ts';
import { judge, RULE_VERSION } from '../../../src/rules/slo/verdict.ts';
import { oneBucket } from './support.ts';

const [ERRORS, LATENCY, COST] = DEFAULT_WATCHERS;
const UNDISCOUNTED = { ...DEFAULT_CONFIDENCE, phi: { floor: 1, ceiling: 10 } };

const errors = (n: number, k: number) => oneBucket({ errors: { n, k } });
const costs = (values: readonly number[], watcher: CostWatcher = COST) =>
  countSamples(
    emptyCounters([watcher]),
    values.map((costMicros) => ({ atMs: 0, costMicros })),
  );
const slow = (k: number) =>
  judge(LATENCY, oneBucket({ slowObjective: { n: 40, k: 38 }, slowAbort: { n: 32, k } }), UNDISCOUNTED);
const many = (n: number, value: number): readonly number[] => Array<number>(n).fill(value);

describe('the verdict on errors', () => {
  it('carries everything it rests on', () => {
    const verdict = judge(ERRORS, errors(400, 2));
    expect(verdict).toEqual({
      metric: 'errors',
      outcome: 'INCONCLUSIVE',
      reason: 'undecided',
      ruleVersion: RULE_VERSION,
      because:
        '2 of 400 jobs failed, 0.5 % (95 % interval 0.137 % to 1.8 %): ' +
        'undecided (evidence to promote 4.4 of 4.61, to abort 0 of 6.91).',
      abort: {
        n: 400,
        k: 2,
        llr: expect.closeTo(-13.1958, 4),
        phi: 4,
        evidence: expect.closeTo(-3.299, 4),
        bound: expect.closeTo(6.9078, 4),
        point: 0.005,
        interval: { low: expect.closeTo(0.00137, 5), high: expect.closeTo(0.01804, 5) },
        limit: 0.05,
      },
      promote: {
        n: 400,
        k: 2,
        llr: expect.closeTo(13.1958, 4),
        phi: 3,
        evidence: expect.closeTo(4.3986, 4),
        bound: expect.closeTo(4.6052, 4),
        point: 0.005,
        interval: { low: expect.closeTo(0.00137, 5), high: expect.closeTo(0.01804, 5) },
        limit: 0.01,
      },
    });
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
  });

  it('is ERROR without samples, whatever the other gates saw', () => {
    expect(judge(ERRORS, emptyCounters([ERRORS]))).toMatchObject({
      outcome: 'ERROR',
      reason: 'no-samples',
      because: 'There are no samples to judge by.',
      abort: { n: 0, limit: 0.05 },
    });
    expect(judge(ERRORS, emptyCounters([ERRORS])).abort).not.toHaveProperty('point');
    expect(judge(ERRORS, oneBucket({ slowAbort: { n: 500, k: 0 } })).outcome).toBe('ERROR');
  });

  it.each([
    [334, 'INCONCLUSIVE'],
    [335, 'PASS'],
  ])('after %d clean samples is %s', (n, outcome) => {
    expect(judge(ERRORS, errors(n, 0)).outcome).toBe(outcome);
  });

  it('passes with exactly the objective, and not with one sample fewer', () => {
    expect(judge(ERRORS, errors(600, 6), UNDISCOUNTED)).toMatchObject({
      outcome: 'PASS',
      reason: 'established-good',
      because:
        '6 of 600 jobs failed, 1 % (95 % interval 0.459 % to 2.16 %): ' +
        'enough evidence of less than 5 %, and within the objective of 1 %.',
    });
    expect(judge(ERRORS, errors(599, 6), UNDISCOUNTED)).toMatchObject({
      outcome: 'INCONCLUSIVE',
      reason: 'above-objective',
      because:
        '6 of 599 jobs failed, 1 % (95 % interval 0.46 % to 2.17 %): ' +
        'enough evidence of less than 5 %, but above the objective of 1 %.',
    });
  });

  it('passes exactly at any objective: k/n has no rounding to lose', () => {
    for (let hundredths = 1; hundredths < 50; hundredths++) {
      const watcher = { ...ERRORS, objective: hundredths / 100, abort: 0.9 };
      expect(judge(watcher, errors(10_000, hundredths * 100)).outcome).toBe('PASS');
      expect(judge(watcher, errors(10_000, hundredths * 100 + 1)).reason).toBe('above-objective');
    }
  });

  it.each([
    [32, 'FAIL'],
    [33, 'INCONCLUSIVE'],
  ])('with 5 errors in %d samples, undiscounted, is %s', (n, outcome) => {
    expect(judge(ERRORS, errors(n, 5), UNDISCOUNTED).outcome).toBe(outcome);
  });

  it('says why it aborts', () => {
    expect(judge(ERRORS, errors(120, 20))).toMatchObject({
      outcome: 'FAIL',
      reason: 'established-bad',
      because: '20 of 120 jobs failed, 16.7 % (95 % interval 11.1 % to 24.3 %): far more likely at 5 % than at 1 %.',
    });
  });

  it.each([
    [5, 'INCONCLUSIVE', 'undecided'],
    [6, 'FAIL', 'all-bad'],
  ])('after %d samples, all failed, is %s', (n, outcome, reason) => {
    expect(judge(ERRORS, errors(n, n))).toMatchObject({ outcome, reason });
  });

  it('names the fast path', () => {
    expect(judge(ERRORS, errors(6, 6)).because).toBe('All of the first 6 jobs failed.');
  });

  it.each([
    [{ floor: 3, ceiling: 10 }, 3],
    [{ floor: 3, abortFloor: 4, ceiling: 10 }, 4],
    [{ floor: 3, abortFloor: 2, ceiling: 10 }, 3],
  ])('assumes bursts of %j when it is about an abort, and the floor otherwise', (phi, toAbort) => {
    const { abort, promote } = judge(ERRORS, errors(240, 20), { ...DEFAULT_CONFIDENCE, phi });
    expect(abort).toMatchObject({ phi: toAbort, evidence: abort.llr / toAbort });
    expect(promote).toMatchObject({ phi: 3, evidence: -abort.llr / 3 });
    const slowReading = judge(LATENCY, oneBucket({ slowAbort: { n: 240, k: 20 } }), { ...DEFAULT_CONFIDENCE, phi });
    expect(slowReading.abort).toMatchObject({ phi: toAbort, evidence: slowReading.abort.llr / toAbort });
  });

  it('discounts errors that come in bursts, more than the floor where they show', () => {
    const samples = Array.from({ length: 600 }, (_, i) => ({ atMs: Math.floor(i / 50) * 60_000, failed: i % 300 < 8 }));
    const verdict = judge(ERRORS, countSamples(emptyCounters([ERRORS]), samples));
    expect(verdict.abort.phi).toBeGreaterThan(5);
    expect(verdict.abort.evidence).toBeCloseTo(verdict.abort.llr / verdict.abort.phi, 12);
  });

  it('does not take a service that breaks for good for one long burst', () => {
    const samples = Array.from({ length: 400 }, (_, i) => ({ atMs: i < 300 ? i * 200 : 60_000, failed: i >= 300 }));
    const endsAt = samples.findIndex(
      (_, i) =>
        i >= 300 && judge(ERRORS, countSamples(emptyCounters([ERRORS]), samples.slice(0, i + 1))).outcome === 'FAIL',
    );
    expect(endsAt - 300).toBe(50);
  });
});

describe('the verdict on latency', () => {
  it.each([
    [404, 'INCONCLUSIVE'],
    [405, 'PASS'],
  ])('after %d fast samples is %s', (n, outcome) => {
    expect(judge(LATENCY, oneBucket({ slowObjective: { n, k: 0 }, slowAbort: { n, k: 0 } })).outcome).toBe(outcome);
  });

  it('aborts by those slower than 10 s alone', () => {
    expect(slow(5)).toMatchObject({
      outcome: 'FAIL',
      because:
        '5 of 32 jobs took longer than 10 s, 15.6 % (95 % interval 6.86 % to 31.8 %): far more likely at 5 % than at 1 %.',
    });
    expect(slow(4).outcome).toBe('INCONCLUSIVE');
  });

  it('promotes by those slower than 5 s, before any has reached 10 s if need be', () => {
    const verdict = judge(LATENCY, oneBucket({ slowObjective: { n: 181, k: 1 } }), UNDISCOUNTED);
    expect(verdict).toMatchObject({
      outcome: 'PASS',
      because:
        '1 of 181 jobs took longer than 5 s, 0.552 % (95 % interval 0.0976 % to 3.06 %): ' +
        'enough evidence of less than 5 %, and within the objective of 5 %.',
      abort: { n: 0 },
    });
    expect(judge(LATENCY, oneBucket({ slowObjective: { n: 180, k: 1 } }), UNDISCOUNTED).outcome).toBe('INCONCLUSIVE');
  });

  it('aborts a service that never answers within the threshold after the first few', () => {
    expect(judge(LATENCY, oneBucket({ slowAbort: { n: 6, k: 6 }, slowObjective: { n: 6, k: 6 } }))).toMatchObject({
      outcome: 'FAIL',
      reason: 'all-bad',
      because: 'All of the first 6 jobs took longer than 10 s.',
    });
  });

  it('is ERROR without samples', () => {
    expect(judge(LATENCY, errors(500, 0)).outcome).toBe('ERROR');
  });

  it('serves any percentile and any thresholds', () => {
    const watcher = { metric: 'latency', percentile: 0.9, objectiveMs: 1_500, abortMs: 120_000 } as const;
    const aborted = judge(watcher, oneBucket({ slowAbort: { n: 60, k: 30 } }));
    expect(aborted.because).toMatch(
      /^30 of 60 jobs took longer than 2 min, 50 % .*: far more likely at 10 % than at 2 %\.$/,
    );
    const fast = judge(watcher, oneBucket({ slowObjective: { n: 198, k: 0 } }));
    expect(fast).toMatchObject({ outcome: 'PASS', promote: { limit: 0.1 } });
  });
});

describe('the verdict on cost', () => {
  it('is ERROR without samples, and when costs are not counted', () => {
    expect(judge(COST, emptyCounters([COST])).outcome).toBe('ERROR');
    expect(judge(COST, errors(500, 0)).outcome).toBe('ERROR');
  });

  it('passes with a mean exactly at the objective, and not a micro-dollar above', () => {
    expect(judge(COST, costs(many(200, 20_000)))).toMatchObject({
      outcome: 'PASS',
      because:
        '200 jobs at a mean cost of $0.02 (95 % interval $0.02 to $0.02): ' +
        'enough evidence of less than $0.05, and within the objective of $0.02.',
    });
    expect(judge(COST, costs([...many(199, 20_000), 20_001]))).toMatchObject({
      outcome: 'INCONCLUSIVE',
      reason: 'above-objective',
      because: expect.stringMatching(/enough evidence of less than \$0\.05, but above the objective of \$0\.02\.$/),
    });
  });

  it('never decides on costs exactly at the abort threshold', () => {
    expect(judge(COST, costs(many(3_000, 50_000)))).toMatchObject({ outcome: 'INCONCLUSIVE', reason: 'undecided' });
  });

  it('aborts on a mean above the threshold', () => {
    expect(judge(COST, costs(many(15, 80_000))).outcome).toBe('INCONCLUSIVE');
    expect(judge(COST, costs(many(120, 80_000)))).toMatchObject({
      outcome: 'FAIL',
      reason: 'established-bad',
      because: '120 jobs at a mean cost of $0.08 (95 % interval $0.08 to $0.08): enough evidence of more than $0.05.',
      abort: { point: 80_000, limit: 50_000, phi: 1 },
      promote: { limit: 20_000 },
    });
  });

  it('fails at once on one charge above the cap, and not on one at it', () => {
    expect(judge(COST, costs([500_000])).outcome).toBe('INCONCLUSIVE');
    expect(judge(COST, costs([...many(500, 10_000), 500_001]))).toMatchObject({
      outcome: 'FAIL',
      reason: 'charge-above-cap',
      because: 'A job cost $0.500001; none may cost more than $0.5.',
      abort: { k: 1 },
    });
  });

  it('fails when the stage has spent more than its limit, and not at it', () => {
    const watcher = { ...COST, stageLimitMicros: 4_000_000 };
    expect(judge(watcher, costs(many(200, 20_000))).outcome).toBe('PASS');
    expect(judge(watcher, costs([...many(200, 20_000), 1]))).toMatchObject({
      outcome: 'FAIL',
      reason: 'stage-limit-spent',
      because: 'The stage spent $4.000001, more than its limit of $4.',
    });
  });

  it('refuses counters that were kept against another threshold', () => {
    expect(() => judge({ ...COST, abortMicros: 60_000 }, costs([1]))).toThrow(RangeError);
  });
});
