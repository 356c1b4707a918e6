import type { ObservedState } from '../../../src/contracts/index.ts';

export const SERVICE = 'wavescan';
/** The pinned version of wavescan's contract. */
export const CONTRACT_VERSION = '2.1.0';

/** wavescan's phases, all of them, in our states. */
export const STATES: Readonly<Record<string, ObservedState>> = {
  queued: 'PROCESSING',
  scanning: 'PROCESSING',
  ready: 'COMPLETED',
  rejected: 'FAILED',
  withdrawn: 'CANCELED',
};

/** $0.002 a scan, in micro-dollars. */
export const COST_PER_SCAN_MICROS = 2_000;
/** wavescan keeps a scan, and with it its id, for a week. */
export const ID_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;
/** wavescan retries a webhook for a day; two, to be on the safe side. */
export const WEBHOOK_RETRY_HORIZON_MS = 2 * 24 * 60 * 60 * 1000;
