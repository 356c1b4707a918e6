import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import type { ControlState } from '../../src/contracts/control.ts';
import { decide } from '../../src/rules/admission.ts';

// Of service `payments` with salt r1: user-3 is in bucket 1198, user-1 in 6599.
const decideFor = (control: Partial<ControlState> | undefined, unit = 'user-1', fallback = false) =>
  decide(
    control === undefined ? undefined : { ...INITIAL_CONTROL, ...control },
    { service: 'payments', unit },
    { fallback },
  );
const off = (reason: string) => ({ admitted: false, code: 'INTEGRATION_DISABLED', reason });
const live = (reason: string) => ({ admitted: true, route: 'live', reason });

describe('admission', () => {
  it('is off by default, and without a control state', () => {
    expect(decideFor(undefined)).toEqual(off('payments has never been enabled.'));
    expect(decideFor({})).toEqual(off('payments is disabled.'));
  });

  it('admits the allow list even while disabled, and nobody of the deny list', () => {
    expect(decideFor({ allow: ['user-1'] })).toEqual(live('Unit "user-1" is on the allow list of payments.'));
    expect(decideFor({ enabled: true, allow: ['user-1'], deny: ['user-1'] })).toEqual(
      off('Unit "user-1" is on the deny list of payments.'),
    );
  });

  it('admits the share of units the weight names', () => {
    expect(decideFor({ enabled: true, weightBps: 1_199 }, 'user-3')).toEqual(
      live('Unit "user-3" is in bucket 1198: within the weight of 1199 of 10000.'),
    );
    expect(decideFor({ enabled: true, weightBps: 1_198 }, 'user-3')).toEqual(
      off('Unit "user-3" is in bucket 1198: beyond the weight of 1198 of 10000.'),
    );
  });

  it('sends what is not admitted to the fallback where that was opted into', () => {
    expect(decideFor({}, 'user-1', true)).toEqual({
      admitted: true,
      route: 'fallback',
      reason: 'payments is disabled.',
    });
    expect(decideFor({ deny: ['user-1'] }, 'user-1', true)).toMatchObject({ admitted: true, route: 'fallback' });
    expect(decideFor(undefined, 'user-1', true)).toMatchObject({ admitted: true, route: 'fallback' });
    expect(decideFor({ enabled: true }, 'user-1', true)).toMatchObject({ admitted: true, route: 'live' });
  });

  it('admits nobody at weight 0, everybody at 10,000, and never drops a unit when the weight rises', () => {
    const weight = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(fc.string(), weight, weight, (unit, one, other) => {
        const admitted = (weightBps: number) => decideFor({ enabled: true, weightBps }, unit).admitted;
        expect(admitted(0)).toBe(false);
        expect(admitted(10_000)).toBe(true);
        expect(admitted(Math.max(one, other)) || !admitted(Math.min(one, other))).toBe(true);
      }),
      { seed: 8 },
    );
  });
});
