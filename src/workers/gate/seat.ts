import { RequestFailed, type OutboundRequest } from '../../http/types.ts';
import type { Permit } from '../../http/service-client.ts';

/** What the holder of a gate does for the requests and polls of its process. */
export interface Seated {
  readonly acquire: (request: OutboundRequest, signal: AbortSignal) => Promise<Permit>;
  /** The least pause between two polls of one job at present, in milliseconds. */
  readonly leastPollMs: () => number;
  /** Whether the breaker is open: a request that fails now was a probe, and no fault of its job. */
  readonly isDown: () => boolean;
  /** Whether a read asked for now would leave at once. */
  readonly passesAtOnce: () => boolean;
}

/** Whoever holds a service's gate in this process: through it, and only through it, requests leave. */
export interface GateSeat extends Seated {
  /** Seats a holder; the function it returns unseats it. */
  readonly take: (next: Seated) => () => void;
}

/** Makes an empty seat. While it is empty nothing leaves. */
export function createGateSeat(service: string): GateSeat {
  let holder: Seated | undefined;
  return {
    acquire: async (request, signal) => {
      if (holder === undefined) throw heldBack(`This process no longer holds the gate of ${service}.`, 1_000);
      return holder.acquire(request, signal);
    },
    leastPollMs: () => holder?.leastPollMs() ?? 0,
    isDown: () => holder?.isDown() ?? false,
    passesAtOnce: () => holder?.passesAtOnce() ?? false,
    take: (next) => {
      holder = next;
      return () => {
        if (holder === next) holder = undefined;
      };
    },
  };
}

/** The failure of a request that was never sent because the gate did not let it pass. */
export function heldBack(message: string, retryAfterMs: number): RequestFailed {
  return new RequestFailed({
    code: 'THROTTLED',
    retryable: true,
    arrival: 'never',
    throttled: true,
    retryAfterMs,
    message,
  });
}
