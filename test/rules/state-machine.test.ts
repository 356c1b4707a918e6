import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTerminal, JOB_STATES, TERMINAL_STATES, type JobState } from '../../src/contracts/states.ts';
import { JOB_EVENTS, observed, transition, TRANSITIONS, type JobEvent } from '../../src/rules/state-machine.ts';

const anyEvent = fc.constantFrom(...JOB_EVENTS);
const anyState = fc.constantFrom(...JOB_STATES);
const run = (events: readonly JobEvent[], from: JobState = 'CREATED'): JobState => events.reduce(transition, from);

describe('the state machine', () => {
  it('decides every pair of state and event', () => {
    for (const state of JOB_STATES) {
      for (const event of JOB_EVENTS) expect(JOB_STATES).toContain(TRANSITIONS[state][event]);
    }
  });

  it('never leaves a terminal state', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TERMINAL_STATES), fc.array(anyEvent), (state, events) => {
        expect(run(events, state)).toBe(state);
      }),
    );
  });

  it('never goes back to CREATED, and ends only by an observation, a surrender or a withdrawal', () => {
    fc.assert(
      fc.property(anyState, anyEvent, (state, event) => {
        const next = transition(state, event);
        if (state !== 'CREATED') expect(next).not.toBe('CREATED');
        const harmless: readonly JobEvent[] = ['accepted', 'hinted', 'observed-PROCESSING'];
        if (!isTerminal(state) && harmless.includes(event)) expect(isTerminal(next)).toBe(false);
        if (!isTerminal(state) && !harmless.includes(event)) expect(isTerminal(next)).toBe(true);
      }),
    );
  });

  it('ends in what the service says, however events before that are ordered, repeated or lost', () => {
    const mere = fc.constantFrom<JobEvent>('accepted', 'hinted', 'observed-PROCESSING');
    fc.assert(
      fc.property(fc.array(mere), fc.constantFrom(...TERMINAL_STATES), fc.array(anyEvent), (before, final, after) => {
        expect(run([...before, observed(final), ...after])).toBe(final);
      }),
    );
  });
});
