export type { FileRef, JobObservation, JobOutcome, JobStatus, PartOutcome } from './jobs.ts';
export { PlaybookError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export type { Json } from './json.ts';
export type { JobState, ObservedState, Route, TerminalState } from './states.ts';
