/**
 * Pause between two polls of one job, so that all of them together fit into their share of the cap:
 * `waiting / (cap · share)` windows, and never less than the configured spacing.
 *
 * @param waiting jobs that are polled
 * @param cap requests per window now in force
 * @param share of the cap polls may use, above 0 up to 1
 */
export function pollIntervalMs(
  { waiting, cap, windowMs, share }: { waiting: number; cap: number; windowMs: number; share: number },
  spacingMs: number,
): number {
  return Math.max(spacingMs, Math.ceil((waiting * windowMs) / (cap * share)));
}

/** How much longer jobs may go between two polls while sweeps of the service's list find what has changed. */
const SWEPT_STRETCH = 10;
/** Longest pause that stretching makes, in milliseconds. */
const LONGEST_STRETCHED_MS = 600_000;

/** The same pause while sweeps succeed: polling is the last fallback then. */
export function sweptPollIntervalMs(intervalMs: number): number {
  return Math.max(intervalMs, Math.min(intervalMs * SWEPT_STRETCH, LONGEST_STRETCHED_MS));
}

/** Share of the cap a sweep's first page may use; further pages are read only where much has changed. */
const SWEEP_SHARE = 0.05;

/** Pause between two sweeps, in milliseconds: as often as polls would come, but a small share of the cap. */
export function sweepIntervalMs({ cap, windowMs }: { cap: number; windowMs: number }, spacingMs: number): number {
  return Math.max(spacingMs, Math.ceil(windowMs / (cap * SWEEP_SHARE)));
}
