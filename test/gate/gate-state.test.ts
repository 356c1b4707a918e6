import { describe, expect, it } from '@jest/globals';
import { createGateSchedule } from '../../src/rules/gate/schedule.ts';
import { readGateState, startFrom, toJson } from '../../src/workers/gate/gate-state.ts';

const schedule = createGateSchedule({ rate: { cap: 8, windowMs: 1_000 } }, 1_000, 'fresh');
const state = toJson({ version: 1, schedule: schedule.snapshot(2_000), view: schedule.view(2_000) });

describe('what a holder leaves', () => {
  it('survives JSON', () => {
    expect(readGateState(JSON.parse(JSON.stringify(state)))).toEqual(state);
  });

  it.each([[null], [undefined], ['text'], [{}], [{ version: 2, schedule: {} }], [{ version: 1 }]])(
    'is not read out of %p',
    (details) => {
      expect(readGateState(details)).toBeUndefined();
    },
  );

  it('lets an orderly successor go on at once, and another one allow for the lease of the holder that vanished', () => {
    expect(startFrom({ state, orderly: true }, 2_000)).toMatchObject({ unseenMs: 0 });
    expect(startFrom({ state, orderly: false }, 2_000)).toMatchObject({ unseenMs: 2_000 });
  });

  it('is unknown where there is none: anything may have been sent just now', () => {
    expect(startFrom(undefined, 2_000)).toBe('unknown');
    expect(startFrom({ state: null, orderly: true }, 2_000)).toBe('unknown');
  });
});
