export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** A time in which no stage begins, in UTC: once, or these whole days of every week. */
export type FreezeWindow =
  { readonly fromMs: number; readonly toMs: number } | { readonly weekly: readonly (typeof WEEKDAYS)[number][] };

const DAY_MS = 86_400_000;
/** Windows that meet are followed from one into the next, at most so often. */
const MOST_WINDOWS = 400;

/** When the freeze ends that a moment lies in; `undefined` outside of any. The end itself is outside. */
export function frozenUntil(windows: readonly FreezeWindow[], nowMs: number): number | undefined {
  let atMs = nowMs;
  for (let i = 0; i < MOST_WINDOWS; i += 1) {
    const ends = windows.flatMap((window) => endOf(window, atMs));
    if (ends.length === 0) break;
    atMs = Math.max(...ends);
  }
  return atMs === nowMs ? undefined : atMs;
}

function endOf(window: FreezeWindow, atMs: number): readonly number[] {
  if ('fromMs' in window) return window.fromMs <= atMs && atMs < window.toMs ? [window.toMs] : [];
  const day = WEEKDAYS[new Date(atMs).getUTCDay()];
  return day !== undefined && window.weekly.includes(day) ? [(Math.floor(atMs / DAY_MS) + 1) * DAY_MS] : [];
}
