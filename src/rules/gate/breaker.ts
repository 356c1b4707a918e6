/** When the breaker opens and how it probes. */
export interface BreakerSpec {
  /** Failures in a row that open it. */
  readonly consecutive: number;
  /** Or this share of failures, from 0 to 1, among at least `minimum` answers in `windowMs`. */
  readonly share: number;
  readonly minimum: number;
  readonly windowMs: number;
  /** Milliseconds between probes. */
  readonly probeEveryMs: number;
}

export const DEFAULT_BREAKER: BreakerSpec = {
  consecutive: 5,
  share: 0.5,
  minimum: 20,
  windowMs: 30_000,
  probeEveryMs: 10_000,
};

type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerView {
  readonly state: BreakerState;
  /** One sentence. */
  readonly reason: string;
  /** Epoch milliseconds of the last change of state; absent from the start on. */
  readonly sinceMs?: number;
  /** When the next probe may leave; only while open. */
  readonly nextProbeMs?: number;
}

export interface BreakerSnapshot {
  readonly open: boolean;
  readonly reason: string;
  readonly sinceMs?: number;
  readonly nextProbeMs: number;
  readonly consecutive: number;
}

/** Keeps requests back while the service is down: one probe at a time. */
export interface Breaker {
  /** `free` to send, `probe` when one may leave, or the time to ask again; undefined: when the probe is answered. */
  readonly gate: (nowMs: number) => 'free' | 'probe' | { readonly retryAtMs: number | undefined };
  readonly departed: (id: string | number, nowMs: number) => void;
  /** `up`: an answer, whatever it says. `down`: unavailable or timed out. */
  readonly answered: (id: string | number, result: 'up' | 'down', nowMs: number) => void;
  readonly withheld: (id: string | number, nowMs: number) => void;
  readonly view: () => BreakerView;
  readonly snapshot: () => BreakerSnapshot;
}

/** Counting windows are kept in this many slices. */
const SLICES = 10;

/**
 * A breaker for one service. What counts is only "the service is down"; a refusal or an error of ours shows that it is up.
 * Answers to requests that had left before it opened do not close it: they may come from before the outage.
 */
export function createBreaker(spec: BreakerSpec, restored?: BreakerSnapshot): Breaker {
  let open = restored?.open ?? false;
  let reason = restored?.reason ?? 'No failures seen.';
  let sinceMs = restored?.sinceMs;
  let nextProbeMs = restored?.nextProbeMs ?? 0;
  let consecutive = restored?.consecutive ?? 0;
  let probe: string | number | undefined;
  let slices: { readonly slice: number; answers: number; failures: number }[] = [];
  let before = new Set<string | number>();
  const flying = new Set<string | number>();

  const count = (failed: boolean, nowMs: number) => {
    const slice = Math.floor((nowMs / spec.windowMs) * SLICES);
    slices = slices.filter((each) => each.slice > slice - SLICES);
    let last = slices.at(-1);
    if (last?.slice !== slice) slices.push((last = { slice, answers: 0, failures: 0 }));
    last.answers += 1;
    if (failed) last.failures += 1;
    consecutive = failed ? consecutive + 1 : 0;
  };

  const verdict = (): string | undefined => {
    if (consecutive >= spec.consecutive) return `${consecutive} requests in a row found the service unavailable.`;
    const answers = slices.reduce((sum, slice) => sum + slice.answers, 0);
    const failures = slices.reduce((sum, slice) => sum + slice.failures, 0);
    if (answers < spec.minimum || failures < spec.share * answers) return undefined;
    return `${failures} of ${answers} requests within ${spec.windowMs / 1000} s found the service unavailable.`;
  };

  const forget = () => {
    consecutive = 0;
    slices = [];
  };

  return {
    gate: (nowMs) => {
      if (!open) return 'free';
      if (probe !== undefined) return { retryAtMs: undefined };
      return nowMs >= nextProbeMs ? 'probe' : { retryAtMs: nextProbeMs };
    },
    departed: (id, nowMs) => {
      flying.add(id);
      if (!open) return;
      probe = id;
      nextProbeMs = nowMs + spec.probeEveryMs;
    },
    answered: (id, result, nowMs) => {
      flying.delete(id);
      const stale = before.delete(id);
      if (open) {
        if (id === probe) probe = undefined;
        if (stale || result === 'down') return;
        open = false;
        reason = 'The service answers again.';
        sinceMs = nowMs;
        forget();
        return;
      }
      count(result === 'down', nowMs);
      const why = verdict();
      if (why === undefined) return;
      open = true;
      reason = why;
      sinceMs = nowMs;
      nextProbeMs = nowMs + spec.probeEveryMs;
      before = new Set(flying);
    },
    withheld: (id, nowMs) => {
      flying.delete(id);
      before.delete(id);
      if (id !== probe) return;
      probe = undefined;
      nextProbeMs = nowMs;
    },
    view: () => ({
      state: open ? (probe === undefined ? 'open' : 'half-open') : 'closed',
      reason,
      ...(sinceMs === undefined ? {} : { sinceMs }),
      ...(open ? { nextProbeMs } : {}),
    }),
    snapshot: () => ({ open, reason, nextProbeMs, consecutive, ...(sinceMs === undefined ? {} : { sinceMs }) }),
  };
}
