import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createBudget } from '../../../src/rules/gate/budget.ts';
import type { Budget, BudgetSnapshot } from '../../../src/rules/gate/budget.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const NOON_MS = 20_000 * DAY_MS + 12 * HOUR_MS;

/** Sets aside and has it kept at once. */
function kept(budget: Budget, aheadMicros: number, nowMs: number): BudgetSnapshot {
  const snapshot = budget.reserveAhead(aheadMicros, nowMs);
  budget.acknowledged(snapshot.seq);
  return JSON.parse(JSON.stringify(snapshot));
}

describe('the budget', () => {
  it('lets nothing be spent that was not set aside and kept', () => {
    const budget = createBudget({ hourlyMicros: 100 });
    expect(budget.refusal(10, NOON_MS)).toEqual({ why: 'not-set-aside' });
    const { seq } = budget.reserveAhead(20, NOON_MS);
    expect(budget.refusal(10, NOON_MS)).toEqual({ why: 'not-set-aside' });
    budget.acknowledged(seq);
    expect(budget.refusal(20, NOON_MS)).toBeUndefined();
    expect(budget.refusal(21, NOON_MS)).toEqual({ why: 'not-set-aside' });
  });

  it('asks for nothing to be set aside where there is no limit', () => {
    const budget = createBudget({});
    budget.spend(1_000, NOON_MS);
    expect(budget.refusal(1_000, NOON_MS)).toBeUndefined();
    expect(budget.view(NOON_MS)).toEqual([
      { window: 'hourly', spentMicros: 1_000, turnsAtMs: NOON_MS + HOUR_MS },
      { window: 'daily', spentMicros: 1_000, turnsAtMs: NOON_MS + 12 * HOUR_MS },
    ]);
  });

  it('is exhausted at the limit until the window turns or the limit is raised', () => {
    const budget = createBudget({ hourlyMicros: 100 });
    kept(budget, 1_000, NOON_MS);
    budget.spend(95, NOON_MS);
    expect(budget.refusal(5, NOON_MS)).toBeUndefined();
    expect(budget.refusal(6, NOON_MS)).toEqual({
      why: 'exhausted',
      window: { window: 'hourly', spentMicros: 95, limitMicros: 100, turnsAtMs: NOON_MS + HOUR_MS },
    });
    budget.setLimits({ hourlyMicros: 200 }, NOON_MS);
    expect(budget.refusal(6, NOON_MS)).toEqual({ why: 'not-set-aside' });
    kept(budget, 10, NOON_MS);
    expect(budget.refusal(6, NOON_MS)).toBeUndefined();
    budget.spend(105, NOON_MS);
    expect(budget.refusal(1, NOON_MS + HOUR_MS - 1)).toMatchObject({ why: 'exhausted' });
    expect(budget.refusal(1, NOON_MS + HOUR_MS)).toEqual({ why: 'not-set-aside' });
  });

  it('names the window that lasts longer when both are spent, and refuses free requests, too', () => {
    const budget = createBudget({ hourlyMicros: 0, dailyMicros: 0 });
    expect(budget.refusal(0, NOON_MS)).toMatchObject({ why: 'exhausted', window: { window: 'daily' } });
  });

  it('takes a correction back', () => {
    const budget = createBudget({ dailyMicros: 10 });
    kept(budget, 10, NOON_MS);
    budget.spend(10, NOON_MS);
    budget.spend(-4, NOON_MS);
    expect(budget.refusal(4, NOON_MS)).toBeUndefined();
    budget.spend(-100, NOON_MS);
    expect(budget.view(NOON_MS)[1]).toMatchObject({ spentMicros: 0 });
  });

  it('tells once per window at 80 % and once at 100 %, and again after a raise', () => {
    const budget = createBudget({ hourlyMicros: 100 });
    budget.spend(79, NOON_MS);
    expect(budget.takeAlarms(NOON_MS)).toEqual([]);
    budget.spend(1, NOON_MS);
    const near = { window: 'hourly', spentMicros: 80, limitMicros: 100, turnsAtMs: NOON_MS + HOUR_MS, level: 'near' };
    expect(budget.takeAlarms(NOON_MS)).toEqual([near]);
    expect(budget.takeAlarms(NOON_MS)).toEqual([]);
    budget.spend(20, NOON_MS);
    expect(budget.takeAlarms(NOON_MS)).toEqual([{ ...near, spentMicros: 100, level: 'exhausted' }]);
    budget.setLimits({ hourlyMicros: 200 }, NOON_MS);
    budget.spend(60, NOON_MS);
    expect(budget.takeAlarms(NOON_MS)).toEqual([{ ...near, spentMicros: 160, limitMicros: 200 }]);
    budget.spend(160, NOON_MS + HOUR_MS);
    expect(budget.takeAlarms(NOON_MS + HOUR_MS)).toHaveLength(1);
  });

  it('does not tell again what a predecessor has told', () => {
    const first = createBudget({ dailyMicros: 10 });
    first.spend(9, NOON_MS);
    expect(first.takeAlarms(NOON_MS)).toHaveLength(1);
    const second = createBudget({ dailyMicros: 10 }, first.final(NOON_MS));
    expect(second.takeAlarms(NOON_MS)).toEqual([]);
  });

  it('does not begin a window anew for a successor whose clock is behind', () => {
    const first = createBudget({ hourlyMicros: 10 });
    first.spend(10, NOON_MS);
    const second = createBudget({ hourlyMicros: 10 }, first.final(NOON_MS));
    expect(second.refusal(1, NOON_MS - 5)).toMatchObject({ why: 'exhausted' });
  });

  it('counts after an orderly end exactly what was spent, after a crash all that was set aside', () => {
    const budget = createBudget({ hourlyMicros: 100 });
    const snapshot = kept(budget, 50, NOON_MS);
    budget.spend(10, NOON_MS);
    expect(createBudget({ hourlyMicros: 100 }, snapshot).view(NOON_MS)[0]).toMatchObject({ spentMicros: 50 });
    expect(createBudget({ hourlyMicros: 100 }, budget.final(NOON_MS)).view(NOON_MS)[0]).toMatchObject({
      spentMicros: 10,
    });
  });

  it('ignores an acknowledgement that is late, unknown, or of a window gone by', () => {
    const budget = createBudget({ hourlyMicros: 100 });
    const old = budget.reserveAhead(60, NOON_MS);
    const next = budget.reserveAhead(10, NOON_MS + HOUR_MS);
    budget.acknowledged(99);
    expect(budget.refusal(1, NOON_MS + HOUR_MS)).toEqual({ why: 'not-set-aside' });
    budget.acknowledged(old.seq);
    budget.acknowledged(next.seq);
    expect(budget.refusal(1, NOON_MS + HOUR_MS)).toEqual({ why: 'not-set-aside' });
    const [before, after] = [budget.reserveAhead(10, NOON_MS + HOUR_MS), budget.reserveAhead(30, NOON_MS + HOUR_MS)];
    budget.acknowledged(after.seq);
    budget.acknowledged(before.seq);
    expect(budget.refusal(30, NOON_MS + HOUR_MS)).toBeUndefined();
    const overHour = createBudget({ hourlyMicros: 100 });
    const { seq } = overHour.reserveAhead(60, NOON_MS);
    overHour.view(NOON_MS + HOUR_MS);
    overHour.acknowledged(seq);
    expect(overHour.refusal(1, NOON_MS + HOUR_MS)).toEqual({ why: 'not-set-aside' });
  });

  it('sets no less aside after a correction: what was set aside before may be spent still', () => {
    const budget = createBudget({ hourlyMicros: 100 });
    budget.spend(20, NOON_MS);
    kept(budget, 30, NOON_MS);
    budget.spend(-15, NOON_MS);
    const untold = budget.reserveAhead(30, NOON_MS);
    expect(budget.refusal(45, NOON_MS)).toBeUndefined();
    expect(untold.windows.hourly.micros).toBe(50);
  });

  it('never spends more than the limit over any number of crashes, lost snapshots and corrections', () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('spend' as const), micros: fc.integer({ min: 1, max: 30 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('refund' as const), micros: fc.integer({ min: 1, max: 9 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('snapshot' as const), kept: fc.boolean(), told: fc.boolean() }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 120, size: 'max' }), (steps) => {
        const limits = { hourlyMicros: 500 };
        let budget = createBudget(limits);
        let stored: BudgetSnapshot | undefined;
        let spent = 0;
        for (const each of steps) {
          if (each.do === 'spend' && budget.refusal(each.micros, NOON_MS) === undefined) {
            budget.spend(each.micros, NOON_MS);
            spent += each.micros;
          } else if (each.do === 'refund' && spent >= each.micros) {
            budget.spend(-each.micros, NOON_MS);
            spent -= each.micros;
          } else if (each.do === 'snapshot') {
            const snapshot = budget.reserveAhead(60, NOON_MS);
            // One that is told to be kept is kept; one that is kept may not be told.
            if (each.kept) stored = snapshot;
            if (each.kept && each.told) budget.acknowledged(snapshot.seq);
          } else if (each.do === 'crash') {
            budget = createBudget(limits, stored);
          }
          expect(spent).toBeLessThanOrEqual(500);
        }
      }),
      { numRuns: 200, seed: 4 },
    );
  });
});
