import type { JobState, ObservedState } from '../contracts/states.ts';

/**
 * What can happen to a job. `observed-…` is what the service itself answers; `hinted` is a webhook, which only makes us look;
 * `gave-up` is any failure of ours (rejected, refused, expired); `withdrawn` is a cancellation that took effect.
 */
export const JOB_EVENTS = [
  'accepted',
  'hinted',
  'observed-PROCESSING',
  'observed-COMPLETED',
  'observed-FAILED',
  'observed-CANCELED',
  'gave-up',
  'withdrawn',
] as const;
export type JobEvent = (typeof JOB_EVENTS)[number];

/** Every (state, event) pair, decided. Terminal states absorb. */
export const TRANSITIONS: Readonly<Record<JobState, Readonly<Record<JobEvent, JobState>>>> = {
  CREATED: {
    accepted: 'PROCESSING',
    hinted: 'CREATED',
    'observed-PROCESSING': 'PROCESSING',
    'observed-COMPLETED': 'COMPLETED',
    'observed-FAILED': 'FAILED',
    'observed-CANCELED': 'CANCELED',
    'gave-up': 'FAILED',
    withdrawn: 'CANCELED',
  },
  PROCESSING: {
    accepted: 'PROCESSING',
    hinted: 'PROCESSING',
    'observed-PROCESSING': 'PROCESSING',
    'observed-COMPLETED': 'COMPLETED',
    'observed-FAILED': 'FAILED',
    'observed-CANCELED': 'CANCELED',
    'gave-up': 'FAILED',
    withdrawn: 'CANCELED',
  },
  COMPLETED: absorbing('COMPLETED'),
  FAILED: absorbing('FAILED'),
  CANCELED: absorbing('CANCELED'),
};

function absorbing<State extends JobState>(state: State): Readonly<Record<JobEvent, State>> {
  return {
    accepted: state,
    hinted: state,
    'observed-PROCESSING': state,
    'observed-COMPLETED': state,
    'observed-FAILED': state,
    'observed-CANCELED': state,
    'gave-up': state,
    withdrawn: state,
  };
}

/** The state after `event`. Total: defined for every pair. */
export function transition(state: JobState, event: JobEvent): JobState {
  return TRANSITIONS[state][event];
}

/** The event of the service's own answer. */
export function observed(state: ObservedState): JobEvent {
  return `observed-${state}`;
}
