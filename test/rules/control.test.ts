import { describe, expect, it } from '@jest/globals';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import type { ControlChanges, ControlState, ControlUpdate } from '../../src/contracts/control.ts';
import { changed, describeBudget, refusal } from '../../src/rules/control.ts';

const WHY = { actor: 'alice@ops', reason: 'a test' };
const NOW = 1_700_000_000_000;
const at = (more: Partial<ControlState>): ControlState => ({ ...INITIAL_CONTROL, ...more });

describe('a change', () => {
  const cases: readonly (readonly [ControlUpdate, ControlState, object, Partial<ControlState>, string])[] = [
    ['enable', at({}), {}, { enabled: true }, 'enabled'],
    ['disable', at({ enabled: true }), {}, { enabled: false }, 'disabled'],
    ['setWeight', at({}), { weightBps: 1_050 }, { weightBps: 1_050 }, 'weight 10.5 %'],
    [
      'setWeight',
      at({}),
      { weightBps: 100, stage: 'canary' },
      { weightBps: 100, stage: 'canary' },
      'weight 1 % (stage canary)',
    ],
    [
      'setBudget',
      at({}),
      { budget: { hourlyMicros: 5_000_000 } },
      { budget: { hourlyMicros: 5_000_000 } },
      'budget $5 an hour',
    ],
    ['setBudget', at({ budget: { dailyMicros: 1 } }), { budget: {} }, { budget: {} }, 'budget none'],
    ['allow', at({ allow: ['a', 'b'] }), { units: ['c', 'a', 'c'] }, { allow: ['a', 'c'] }, 'allow list +c -b (now 2)'],
    ['deny', at({}), { units: ['z'] }, { deny: ['z'] }, 'deny list +z (now 1)'],
    ['deny', at({ deny: ['z'] }), { units: ['z'] }, { deny: ['z'] }, 'deny list as it was'],
  ];
  it.each(cases)('%s of %j by %j gives %j: %s', (update, state, args, expected, what) => {
    const change = { ...WHY, ...args } as ControlChanges[ControlUpdate];
    expect(refusal(state, update, change)).toBeUndefined();
    expect(changed(state, update, change, NOW)).toEqual({
      ...state,
      ...expected,
      revision: state.revision + 1,
      changed: { ...WHY, atMs: NOW, what },
    });
  });

  it('of the weight without a stage ends the stage', () => {
    const next = changed(at({ stage: 'canary' }), 'setWeight', { ...WHY, weightBps: 0 }, NOW);
    expect('stage' in next).toBe(false);
  });

  it('of a list names ten units at most', () => {
    const units = Array.from({ length: 13 }, (_, n) => `u${n + 10}`);
    const { changed: last } = changed(at({}), 'allow', { ...WHY, units }, NOW);
    expect(last?.what).toBe('allow list +u10 +u11 +u12 +u13 +u14 +u15 +u16 +u17 +u18 +u19 and 3 more (now 13)');
  });
});

describe('a refusal', () => {
  const refused: readonly (readonly [string, ControlUpdate, object, string, string])[] = [
    ['without a reason', 'enable', { reason: ' ' }, 'INVALID_CHANGE', 'reason must be a text of 1 to 500 characters.'],
    [
      'without an actor',
      'enable',
      { actor: undefined },
      'INVALID_CHANGE',
      'actor must be a text of 1 to 500 characters.',
    ],
    [
      'with too long a reason',
      'disable',
      { reason: 'x'.repeat(501) },
      'INVALID_CHANGE',
      'reason must be a text of 1 to 500 characters.',
    ],
    [
      'on a state that has moved on',
      'enable',
      { expectedRevision: 3 },
      'STALE_REVISION',
      'The change expects revision 3; the control state is at 7. Read it again, then decide.',
    ],
    [
      'of a weight above all',
      'setWeight',
      { weightBps: 10_001 },
      'INVALID_CHANGE',
      'weightBps must be a whole number from 0 to 10000 (got 10001).',
    ],
    [
      'of a broken weight',
      'setWeight',
      { weightBps: 0.5 },
      'INVALID_CHANGE',
      'weightBps must be a whole number from 0 to 10000 (got 0.5).',
    ],
    [
      'of a negative budget',
      'setBudget',
      { budget: { hourlyMicros: 1, dailyMicros: -1 } },
      'INVALID_CHANGE',
      'budget.dailyMicros must be a whole number of micro-dollars, 0 or more (got -1).',
    ],
    [
      'of a list that is none',
      'allow',
      { units: 'tenant' },
      'INVALID_CHANGE',
      'units must be a list of at most 1000 names of 1 to 200 characters.',
    ],
    [
      'of an empty name',
      'deny',
      { units: [''] },
      'INVALID_CHANGE',
      'units must be a list of at most 1000 names of 1 to 200 characters.',
    ],
    [
      'of too many names',
      'deny',
      { units: Array.from({ length: 1_001 }, String) },
      'INVALID_CHANGE',
      'units must be a list of at most 1000 names of 1 to 200 characters.',
    ],
  ];
  it.each(refused)('%s', (_title, update, args, code, message) => {
    const change = { ...WHY, ...args } as ControlChanges[ControlUpdate];
    expect(refusal(at({ revision: 7 }), update, change)).toEqual({ code, message });
  });

  it('does not concern a change that expects the very revision', () => {
    expect(refusal(at({ revision: 7 }), 'enable', { ...WHY, expectedRevision: 7 })).toBeUndefined();
  });
});

describe('a budget in words', () => {
  it.each([
    [{}, 'none'],
    [{ hourlyMicros: 250_000 }, '$0.25 an hour'],
    [{ hourlyMicros: 5_000_000, dailyMicros: 0 }, '$5 an hour, $0 a day'],
  ])('%j is %s', (budget, words) => expect(describeBudget(budget)).toBe(words));
});
