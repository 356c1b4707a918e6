import { setTimeout as sleep } from 'node:timers/promises';

/** Why a lease ended. */
export type LeaseEnd = 'closed' | 'superseded';

/** The holder's right to send. */
export interface Lease {
  /** Whether a request may leave now. Ask right before the socket write. */
  readonly valid: () => boolean;
  /** Resolves once the lease can never be valid again. */
  readonly ended: Promise<LeaseEnd>;
  /** Sends one heartbeat now and resolves once the server has it; rejects while it cannot be had. */
  readonly renew: () => Promise<void>;
  /** Stops renewing. */
  readonly release: () => Promise<void>;
}

/** What one acknowledged heartbeat said. */
export type HeartbeatAnswer = 'held' | LeaseEnd;

/** Share of the heartbeat timeout a lease is trusted for: the rest covers clock rates and the way to the server. */
const TRUSTED_SHARE = 0.7;

/**
 * A lease on the monotonic clock, renewed by acknowledged heartbeats.
 *
 * A frozen process wakes up and a cut-off one is never told, so the clock decides and not an error: the lease counts from the
 * moment the last acknowledged heartbeat was *begun*, and ends before the server can have given the gate to another.
 */
export function createLease(deps: {
  /** One heartbeat, acknowledged by the server. Rejects when it is not known to have arrived. */
  readonly heartbeat: () => Promise<HeartbeatAnswer>;
  readonly timeoutMs: number;
  readonly everyMs: number;
  /** Whether a heartbeat may be left out, so long after the last acknowledged one was begun, in milliseconds. @default none is */
  readonly mayRest?: (sinceMs: number) => boolean;
  readonly monotonicMs: () => number;
}): Lease {
  const { heartbeat, timeoutMs, everyMs, mayRest = () => false, monotonicMs } = deps;
  let end: LeaseEnd | undefined;
  let resolveEnded!: (end: LeaseEnd) => void;
  const ended = new Promise<LeaseEnd>((resolve) => {
    resolveEnded = resolve;
  });
  const stop = new AbortController();

  let renewedMs = -Infinity;
  const renew = async (): Promise<void> => {
    const begunMs = monotonicMs();
    const answer = await heartbeat();
    if (answer === 'held') {
      renewedMs = Math.max(renewedMs, begunMs);
      return;
    }
    if (end === undefined) {
      end = answer;
      resolveEnded(answer);
    }
  };

  const isOver = (): boolean => stop.signal.aborted || end !== undefined;
  const renewing = (async () => {
    while (!isOver()) {
      // A heartbeat that fails is repeated; meanwhile the clock runs out by itself.
      await renew().catch(() => undefined);
      do {
        await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
      } while (!isOver() && mayRest(monotonicMs() - renewedMs));
    }
  })();

  return {
    valid: () => !isOver() && monotonicMs() < renewedMs + timeoutMs * TRUSTED_SHARE,
    ended,
    renew,
    release: async () => {
      stop.abort();
      await renewing;
    },
  };
}
