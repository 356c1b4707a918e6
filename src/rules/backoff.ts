/** Uniform random number in [0, 1), passed in so that decisions stay pure. */
export type Random = () => number;

/** Longest pause between two attempts once the configured schedule is used up, in milliseconds. */
export const MAX_BACKOFF_MS = 30_000;

/**
 * Pause before the next attempt: the configured schedule, then doubling up to {@link MAX_BACKOFF_MS}.
 * Jitter adds up to half of it and never takes away, so `backoff_ms` is a minimum.
 *
 * @param scheduleMs `retry.backoff_ms`, at least one entry.
 * @param failures How many attempts have failed so far, from 1.
 */
export function backoffMs(scheduleMs: readonly number[], failures: number, random: Random): number {
  const last = scheduleMs.at(-1) ?? 0;
  const beyond = failures - scheduleMs.length;
  const base = scheduleMs[failures - 1] ?? Math.min(MAX_BACKOFF_MS, last * 2 ** Math.min(beyond, 20));
  return Math.round(base * (1 + random() / 2));
}

/**
 * The pause a Retry-After asks for: never shorter, and spread by up to a tenth (at least 250 ms, at most 5 s),
 * so that all who were told the same time do not come back in the same instant.
 */
export function retryAfterMs(askedMs: number, random: Random): number {
  const spread = Math.min(5_000, Math.max(250, askedMs / 10));
  return Math.round(askedMs + random() * spread);
}

/** How polls are spaced, in milliseconds. */
export interface PollSpacing {
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** Spacing once a webhook says the job is over but the service's own answer lags behind. */
export const HINTED_SPACING_MS = { initialMs: 250, factor: 2 } as const;

/**
 * Pause after the `polls`-th answer "not yet": growing by `factor` up to `maxMs`, with jitter of ±20 %.
 * Clamped so that one last poll fits before the deadline: a delay past it would end the activity at once.
 *
 * @param polls Answers so far, from 1.
 * @param leftMs Milliseconds to the job's deadline.
 */
export function pollDelayMs(spacing: PollSpacing, polls: number, leftMs: number, random: Random): number {
  const base = Math.min(spacing.maxMs, spacing.initialMs * spacing.factor ** Math.min(polls - 1, 100));
  const jittered = base * (0.8 + random() * 0.4);
  const lastChance = Math.max(LAST_POLL_MARGIN_MS / 2, leftMs - LAST_POLL_MARGIN_MS);
  return Math.round(Math.min(jittered, lastChance));
}

/** Milliseconds kept before the deadline for the last poll to be answered in. */
const LAST_POLL_MARGIN_MS = 2_000;
