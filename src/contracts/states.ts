/** The life of a job. COMPLETED, FAILED and CANCELED are terminal and absorb every later event. */
export const JOB_STATES = ['CREATED', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELED'] as const;
export type JobState = (typeof JOB_STATES)[number];

export const TERMINAL_STATES = ['COMPLETED', 'FAILED', 'CANCELED'] as const;
export type TerminalState = (typeof TERMINAL_STATES)[number];

/** What an external service's status word may mean to us. */
export type ObservedState = 'PROCESSING' | TerminalState;

/** Where admission sent a job: to the service itself, or to the declared stand-in. */
export type Route = 'live' | 'fallback';

/** True once nothing can change the job any more. */
export function isTerminal(state: JobState): state is TerminalState {
  return (TERMINAL_STATES as readonly JobState[]).includes(state);
}
