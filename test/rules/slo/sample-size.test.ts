import { describe, expect, it } from '@jest/globals';
import { countSamples, emptyCounters } from '../../../src/rules/slo/counters.ts';
import {
  forecastStage,
  samplesToCertify,
  samplesToPass,
  timeForSamplesMs,
} from '../../../src/rules/slo/sample-size.ts';
import { judge } from '../../../src/rules/slo/verdict.ts';
import { DEFAULT_CONFIDENCE, DEFAULT_WATCHERS } from '../../../src/rules/slo/watchers.ts';

const [ERRORS, LATENCY, COST] = DEFAULT_WATCHERS;
const DAY = 86_400_000;
const HOUR = 3_600_000;
const at = (floor: number) => ({ ...DEFAULT_CONFIDENCE, phi: { floor, ceiling: 10 } });
const STAGE = { watchers: DEFAULT_WATCHERS, minSamples: 200, minSoakMs: HOUR, weightBps: 1_000 };

describe('how many samples a verdict needs', () => {
  it.each([
    [1, 112, 135],
    [3, 335, 405],
    [5, 559, 674],
  ])('at φ = %d: %d for errors, %d for latency', (phi, errors, latency) => {
    expect(samplesToPass(ERRORS, at(phi))).toBe(errors);
    expect(samplesToPass(LATENCY, at(phi))).toBe(latency);
  });

  it.each(DEFAULT_WATCHERS)('is what the verdict itself needs: %j', (watcher) => {
    const good = { atMs: 0, failed: false, slowObjective: false, slowAbort: false, costMicros: COST.objectiveMicros };
    const need = samplesToPass(watcher);
    const outcomeAfter = (n: number) =>
      judge(
        watcher,
        countSamples(
          emptyCounters([watcher]),
          Array.from({ length: n }, () => good),
        ),
      ).outcome;
    expect([outcomeAfter(need - 1), outcomeAfter(need)]).toEqual(['INCONCLUSIVE', 'PASS']);
  });

  it('is out of reach for a cost whose objective is its abort threshold', () => {
    expect(samplesToPass({ ...COST, objectiveMicros: COST.abortMicros })).toBe(Infinity);
  });

  it.each([
    [0.01, 0.95, 299],
    [0.01, 0.99, 459],
    [0.05, 0.95, 59],
    [0.05, 0.99, 90],
  ])('to certify less than %d at %d takes %d without one bad', (share, level, samples) => {
    expect(samplesToCertify(share, level)).toBe(samples);
  });

  it('to certify in spite of bursts takes φ times as many', () => {
    expect(samplesToCertify(0.01, 0.95, 3)).toBe(895);
  });
});

describe('how long that takes', () => {
  it.each([
    [112, 10_000, 1.1],
    [560, 10_000, 5.6],
    [112, 1_000, 11],
    [560, 1_000, 56],
  ])('%d samples of 1 % of %d requests a day: %d days', (samples, perDay, days) => {
    expect(timeForSamplesMs(samples, perDay, 100) / DAY / days).toBeCloseTo(1, 1);
  });

  it('for ever without traffic', () => {
    expect(timeForSamplesMs(112, 0, 100)).toBe(Infinity);
  });
});

describe('the forecast of a stage', () => {
  it('takes the greatest need, and says that the stage is too small to certify its objective', () => {
    expect(forecastStage(STAGE, 97_200)).toEqual({
      toPass: [
        { metric: 'errors', samples: 335 },
        { metric: 'latency', samples: 405 },
        { metric: 'cost', samples: samplesToPass(COST) },
      ],
      samples: 405,
      samplesTakeMs: HOUR,
      takesMs: HOUR,
      deadAfter: 6,
      toCertify: 895,
      notes: [
        'Too small to certify an error rate below 1 %: 405 samples reject a service as bad as 5 %; ' +
          'certifying takes 895 without an error.',
      ],
    });
  });

  it('has nothing to remark on a stage that is large enough', () => {
    expect(forecastStage({ ...STAGE, minSamples: 895, deadlineMs: DAY }, 100_000)).toMatchObject({
      samples: 895,
      notes: [],
    });
  });

  it('says when the deadline comes first', () => {
    const stage = { ...STAGE, watchers: [LATENCY], deadlineMs: DAY, confidence: at(1) };
    const forecast = forecastStage(stage, 1_000);
    expect(forecast.notes).toEqual(['Takes about 2 d at the recent traffic, longer than its deadline allows.']);
    expect(forecast).not.toHaveProperty('toCertify');
    expect(forecast.takesMs).toBe(2 * DAY);
  });

  it('says when there is no traffic', () => {
    const forecast = forecastStage({ ...STAGE, watchers: [COST] }, 0);
    expect(forecast.notes).toEqual(['No traffic: the stage will hold until its deadline.']);
  });

  it('counts the soak', () => {
    expect(forecastStage({ ...STAGE, minSoakMs: 3 * DAY }, 1e6).takesMs).toBe(3 * DAY);
  });
});
