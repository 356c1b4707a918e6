import { describe, expect, it } from '@jest/globals';
import { INITIAL_CONTROL, type ControlState } from '../../src/contracts/control.ts';
import { changed, fallen, refusal, renewed } from '../../src/rules/control.ts';

const WHO = { actor: 'ana', reason: 'a test' };
const LEASE = { holder: 'r', untilMs: 1_000, safeWeightBps: 100, safeAllow: ['old'] };
const leased: ControlState = changed(
  INITIAL_CONTROL,
  'setWeight',
  { ...WHO, weightBps: 1_000, allow: ['b', 'a', 'a'], enabled: true, stage: 'r:tenth', lease: LEASE },
  5,
);

describe('a stage’s weight', () => {
  it('is set with its lists, its lease and the switch in one change, told in words', () => {
    expect(leased).toEqual({
      ...INITIAL_CONTROL,
      enabled: true,
      weightBps: 1_000,
      allow: ['a', 'b'],
      stage: 'r:tenth',
      lease: LEASE,
      revision: 1,
      changed: { ...WHO, atMs: 5, what: 'weight 10 % (stage r:tenth), enabled, allow list +a +b (now 2)' },
    });
    const off = changed(leased, 'setWeight', { ...WHO, weightBps: 0, enabled: false }, 6);
    expect(off.changed?.what).toBe('weight 0 %, disabled');
  });

  it('loses stage and lease when anybody sets another, and keeps its lists', () => {
    const next = changed(leased, 'setWeight', { ...WHO, weightBps: 2_000 }, 6);
    expect([next.lease, next.stage, next.enabled, next.allow]).toEqual([undefined, undefined, true, ['a', 'b']]);
    expect(changed(leased, 'setBudget', { ...WHO, budget: {} }, 6).lease).toEqual(LEASE);
  });

  it.each([
    [{ weightBps: 10_001 }, 'weightBps must be a whole number from 0 to 10000 (got 10001).'],
    [
      { weightBps: 1, lease: { ...LEASE, safeWeightBps: -1 } },
      'lease.safeWeightBps must be a whole number from 0 to 10000 (got -1).',
    ],
    [{ weightBps: 1, allow: [''] }, 'allow must be a list of at most 1000 names of 1 to 200 characters.'],
    [
      { weightBps: 1, lease: { ...LEASE, safeAllow: [''] } },
      'lease.safeAllow must be a list of at most 1000 names of 1 to 200 characters.',
    ],
  ])('is refused as %j', (change, message) => {
    expect(refusal(leased, 'setWeight', { ...WHO, ...change })).toEqual({ code: 'INVALID_CHANGE', message });
  });
});

describe('a lease', () => {
  it('is renewed by its holder, to a later time, and by nothing else', () => {
    expect(renewed(leased, { holder: 'r', untilMs: 2_000 })).toEqual({
      ...leased,
      lease: { ...LEASE, untilMs: 2_000 },
    });
    expect(renewed(leased, { holder: 'r', untilMs: 1_000 })).toBe(leased);
    expect(renewed(leased, { holder: 'other', untilMs: 2_000 })).toBe(leased);
    expect(renewed(INITIAL_CONTROL, { holder: 'r', untilMs: 2_000 })).toBe(INITIAL_CONTROL);
  });

  it('that ran out leaves the safe weight, as a change that says why; without one nothing happens', () => {
    const next = fallen(leased, 99_000);
    expect(next).toMatchObject({
      weightBps: 100,
      allow: ['old'],
      enabled: true,
      revision: 2,
      changed: { actor: 'playbook', atMs: 99_000, reason: expect.stringContaining('1970-01-01T00:00:01.000Z') },
    });
    expect(next.lease).toBeUndefined();
    expect(fallen(INITIAL_CONTROL, 0)).toBe(INITIAL_CONTROL);
  });
});
