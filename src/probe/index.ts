export { asPlaybookError } from './asked.ts';
export type { Asked } from './asked.ts';
export { burstRates, probeBurst } from './burst.ts';
export { IDEMPOTENCY_JOBS, probeIdempotency } from './idempotency.ts';
export { GAP_OF, tell } from './say.ts';
export type { ProbeFinding } from './say.ts';
export { probeStates } from './states.ts';
