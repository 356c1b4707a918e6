import type { ObservedState } from '../../../src/contracts/index.ts';

export const SERVICE = 'docproc';
/** The pinned version of docproc's contract. */
export const CONTRACT_VERSION = '3.4.2';

/** docproc's status words, all of them, in ours. */
export const STATES = {
  PROCESSING: 'PROCESSING',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELED: 'CANCELED',
} as const satisfies Record<string, ObservedState>;

/** Which event claims which state. */
export const EVENTS = {
  'job.processing': 'PROCESSING',
  'job.completed': 'COMPLETED',
  'job.failed': 'FAILED',
  'job.canceled': 'CANCELED',
} as const satisfies Record<string, ObservedState>;

/** $0.01 a job, in micro-dollars; the service's own figure replaces it. */
export const COST_PER_JOB_MICROS = 10_000;

/** docproc remembers an idempotency key this long. */
export const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;

/** docproc gives a webhook up after its last retry, about a day after the event; two, to be on the safe side. */
export const WEBHOOK_RETRY_HORIZON_MS = 48 * 60 * 60 * 1000;

/** A job docproc has accepted is listed at once; a second covers clock and replica differences. */
export const LOOKUP_SETTLE_MS = 1_000;

export const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.pdf': 'application/pdf',
  '.txt': 'text/plain',
  '.md': 'text/markdown',
};
