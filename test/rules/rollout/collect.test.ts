import { describe, expect, it } from '@jest/globals';
import { array, assert, boolean, integer, property, record, tuple } from 'fast-check';
import {
  collect,
  nextStage,
  noteOutage,
  nothingCollected,
  readFromMs,
  type Collected,
  type SampledJob,
} from '../../../src/rules/rollout/collect.ts';
import { series, total, type Gate } from '../../../src/rules/slo/counters.ts';
import { DEFAULT_WATCHERS } from '../../../src/rules/slo/watchers.ts';

const W = DEFAULT_WATCHERS;
const T0 = 1_000_000_000_000;
const tally = (collected: Collected, gate: Gate) => total(series(collected.stage, gate));
const job = (runId: string, more: Partial<SampledJob>): SampledJob => ({
  workflowId: `docproc/${runId}`,
  runId,
  stage: 'r:a',
  route: 'live',
  startedMs: T0,
  ...more,
});
const good = { end: 'good' as const, costMicros: 10_000 };

describe('collecting samples', () => {
  it('counts an end once, and each latency threshold once the job’s age has passed it', () => {
    const jobs = [job('1', { finishedMs: T0 + 1_000, ...good })];
    const early = collect(nothingCollected(W), jobs, 'r:a', W, T0 + 2_000);
    expect(tally(early, 'errors')).toEqual({ n: 1, k: 0 });
    expect(tally(early, 'slowObjective').n).toBe(0);
    const later = collect(early, jobs, 'r:a', W, T0 + 20_000);
    const again = collect(later, [...jobs, ...jobs], 'r:a', W, T0 + 21_000);
    for (const gate of ['errors', 'slowObjective', 'slowAbort'] as const) {
      expect(tally(again, gate)).toEqual({ n: 1, k: 0 });
    }
    expect(again.stage.cost?.n).toBe(1);
  });

  it('takes no half of a heartbeat of 2 MiB at 100 jobs a second', () => {
    const everyMs = 5_000;
    const runId = (nth: number): string => String(nth).padStart(36, '0');
    const jobs = Array.from({ length: 100 * 180 }, (_, nth) =>
      job(runId(nth), { startedMs: T0 + nth * 10, finishedMs: T0 + nth * 10, ...good }),
    );
    let collected = nothingCollected(W);
    for (let asOfMs = T0 + everyMs; asOfMs <= T0 + 180_000; asOfMs += everyMs) {
      const fromMs = readFromMs(collected, W);
      const read = jobs.filter(({ finishedMs = 0 }) => finishedMs >= fromMs && finishedMs <= asOfMs);
      collected = collect(collected, read, 'r:a', W, asOfMs);
    }
    const known = Object.keys(collected.known).length;
    expect(known).toBeGreaterThan(100 * 110);
    expect(Buffer.byteLength(JSON.stringify(collected))).toBeLessThan(2 ** 20);
  });

  it('counts a running job as slow from the moment it is older than a threshold, and its end later', () => {
    const running = [job('1', {})];
    const slow = collect(nothingCollected(W), running, 'r:a', W, T0 + 7_000);
    expect([tally(slow, 'slowObjective'), tally(slow, 'slowAbort'), tally(slow, 'errors').n]).toEqual([
      { n: 1, k: 1 },
      { n: 0, k: 0 },
      0,
    ]);
    const ended = collect(slow, [job('1', { finishedMs: T0 + 8_000, ...good })], 'r:a', W, T0 + 15_000);
    expect([tally(ended, 'slowObjective'), tally(ended, 'slowAbort'), tally(ended, 'errors')]).toEqual([
      { n: 1, k: 1 },
      { n: 1, k: 0 },
      { n: 1, k: 0 },
    ]);
  });

  it('takes a running job for slow only when it would have told of its end by then', () => {
    const running = [job('1', { toldLateMs: 3_000 })];
    const early = collect(nothingCollected(W), running, 'r:a', W, T0 + 7_000);
    expect(tally(early, 'slowObjective').n).toBe(0);
    const told = collect(early, [job('1', { finishedMs: T0 + 4_900, ...good })], 'r:a', W, T0 + 8_000);
    expect(tally(told, 'slowObjective')).toEqual({ n: 1, k: 0 });
    expect(tally(collect(early, running, 'r:a', W, T0 + 8_001), 'slowObjective')).toEqual({ n: 1, k: 1 });
  });

  it('counts what fails by the caller’s fault as no sample but its cost', () => {
    const jobs = [
      job('1', { finishedMs: T0 + 1, end: 'excused', costMicros: 5 }),
      job('2', { finishedMs: T0 + 1, end: 'bad' }),
    ];
    const seen = collect(nothingCollected(W), jobs, 'r:a', W, T0 + 60_000);
    expect(tally(seen, 'errors')).toEqual({ n: 1, k: 1 });
    expect(tally(seen, 'slowAbort')).toEqual({ n: 1, k: 0 });
    expect(seen.stage.cost?.n).toBe(1);
  });

  it('keeps the stages apart and the rollout together, without latency where none is watched', () => {
    const errors = W.slice(0, 1);
    const first = collect(nothingCollected(errors), [job('1', { finishedMs: T0, ...good })], 'r:a', errors, T0);
    const second = collect(
      nextStage(first, errors),
      [job('2', { stage: 'r:b', finishedMs: T0, ...good }), job('3', { finishedMs: T0, end: 'bad' })],
      'r:b',
      errors,
      T0,
    );
    expect(tally(second, 'errors')).toEqual({ n: 1, k: 0 });
    expect(total(series(second.rollout, 'errors'))).toEqual({ n: 3, k: 1 });
  });

  it('excuses jobs that met an outage', () => {
    let seen = noteOutage(nothingCollected(W), undefined, T0);
    expect(seen.outages).toEqual([]);
    seen = noteOutage(seen, { sinceMs: T0 }, T0 + 5);
    seen = noteOutage(seen, { sinceMs: T0 }, T0 + 10);
    expect(seen.outages).toEqual([{ fromMs: T0 }]);
    seen = noteOutage(seen, undefined, T0 + 1_000);
    expect(seen.outages).toEqual([{ fromMs: T0, toMs: T0 + 1_000 }]);
    const jobs = [
      job('1', { finishedMs: T0 + 50, end: 'bad' }),
      job('2', { startedMs: T0 + 2_000, finishedMs: T0 + 2_001, end: 'bad' }),
    ];
    expect(tally(collect(seen, jobs, 'r:a', W, T0 + 60_000), 'errors')).toEqual({ n: 1, k: 1 });
  });

  it('forgets a job that cannot be read again, and reads everything at first', () => {
    const seen = collect(nothingCollected(W), [job('1', { finishedMs: T0, ...good })], 'r:a', W, T0 + 20_000);
    expect(Object.keys(seen.known)).toEqual(['1']);
    expect(Object.keys(collect(seen, [], 'r:a', W, T0 + 40_000).known)).toEqual(['1']);
    expect(collect(seen, [], 'r:a', W, T0 + 20_000 + 81_000).known).toEqual({});
    expect(readFromMs(nothingCollected(W), W)).toBe(0);
    expect(readFromMs(seen, W)).toBe(T0 + 20_000 - 40_000);
  });

  it('comes to the same counts whenever it reads, and from whatever earlier state it starts again', () => {
    const arbitraryJob = record({
      startedMs: integer({ min: T0, max: T0 + 60_000 }),
      takesMs: integer({ min: 1, max: 20_000 }),
      isBad: boolean(),
    });
    assert(
      property(
        array(arbitraryJob, { maxLength: 30 }),
        array(tuple(integer({ min: 100, max: 20_000 }), boolean()), { maxLength: 20 }),
        (raw, readings) => {
          const END = T0 + 200_000;
          const all = raw.map(({ startedMs, takesMs, isBad }, i) =>
            job(`${i}`, { startedMs, finishedMs: startedMs + takesMs, end: isBad ? 'bad' : 'good', costMicros: 1_000 }),
          );
          const visible = (state: Collected, nowMs: number): SampledJob[] =>
            all.flatMap((each) => {
              if (each.startedMs > nowMs) return [];
              const { finishedMs = 0, end: _end, costMicros: _cost, ...running } = each;
              if (finishedMs > nowMs) return [running];
              return finishedMs >= readFromMs(state, W) ? [each] : [];
            });
          let state = nothingCollected(W);
          let saved = state;
          let nowMs = T0;
          for (const [afterMs, dies] of readings) {
            nowMs += afterMs;
            // A worker that dies leaves an earlier heartbeat to its successor.
            if (dies) state = saved;
            else saved = state;
            state = collect(state, visible(state, nowMs), 'r:a', W, nowMs);
          }
          state = collect(state, visible(state, END), 'r:a', W, END);
          const once = collect(nothingCollected(W), all, 'r:a', W, END);
          for (const gate of ['errors', 'slowObjective', 'slowAbort'] as const) {
            expect(tally(state, gate)).toEqual(tally(once, gate));
          }
          expect(state.stage.cost?.n).toBe(once.stage.cost?.n);
        },
      ),
      { numRuns: 200 },
    );
  });
});
