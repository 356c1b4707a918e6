import type { Permit } from '../../http/service-client.ts';
import type { Observation, OutboundRequest, RequestKind } from '../../http/types.ts';
import { TURNS, type SendClass, type Turn } from '../../rules/gate/send-class.ts';
import type { GateSchedule, Waiting } from '../../rules/gate/schedule.ts';
import { createFairQueue } from './fair-queue.ts';
import { heldBack } from './seat.ts';

/** Longest a request waits in this process for its turn, in milliseconds; more than that waits in Temporal. */
export const MAX_HOLD_MS = 3_000;
/**
 * Bounds of what a request that was sent away is told to wait, in milliseconds. Coming back early costs nothing, since no task is
 * fetched while a class is held; coming back late would keep it waiting after a budget was raised.
 */
const MIN_AWAY_MS = 1_000;
const MAX_AWAY_MS = 5_000;

/** Lets requests leave one by one, as the schedule says. */
export interface Dispatcher {
  /** Resolves when the request may leave; rejects with THROTTLED when that takes longer than a few seconds. */
  readonly acquire: (request: OutboundRequest, signal: AbortSignal) => Promise<Permit>;
  /** Looks again: something the schedule knows has changed. */
  readonly wake: () => void;
  /** Milliseconds until a class may pass; 0 when it may now, or within the answer of a request under way. */
  readonly holdMs: (kind: SendClass) => number;
  /** Whether a request of a class would leave at once: nothing waits, and there is room. */
  readonly passesAtOnce: (kind: SendClass) => boolean;
  readonly inFlight: () => number;
  /** How many of each class wait for their turn. */
  readonly waiting: () => Waiting;
  /** Sends those waiting away, lets nothing more pass, and resolves once nothing is under way. */
  readonly close: (because: string) => Promise<void>;
}

/** What the dispatcher tells of one transmission. */
export interface Sent {
  readonly request: OutboundRequest;
  readonly observation: Observation | undefined;
}

interface Waiter {
  readonly turn: Turn;
  readonly request: OutboundRequest;
  readonly sinceMs: number;
  readonly settle: (granted: Permit | Error) => void;
}

/** Makes a dispatcher; nothing passes it before somebody asks. */
export function createDispatcher(deps: {
  readonly service: string;
  readonly schedule: GateSchedule;
  /** Whether this process may send at all; asked right before each socket write. */
  readonly mayLeave: () => boolean;
  /** Epoch milliseconds that never run backwards. */
  readonly nowMs: () => number;
  /** Told of each request as it is let go, and as its answer comes. */
  readonly onGranted: (request: OutboundRequest) => void;
  readonly onSent: (sent: Sent) => void;
  /** Told how long a request waited for its turn, and whether it got one. @default nobody is */
  readonly onWaited?: (turn: Turn, waitedMs: number, granted: boolean) => void;
}): Dispatcher {
  const { service, schedule, mayLeave, nowMs } = deps;
  const queues = {
    submit: createFairQueue<Waiter>(),
    read: createFairQueue<Waiter>(),
    poll: createFairQueue<Waiter>(),
  };
  let flying = 0;
  let nextId = 1;
  let timer: NodeJS.Timeout | undefined;
  let closed: { readonly because: string; readonly idle: () => void } | undefined;

  const isEmpty = (): boolean => TURNS.every((turn) => queues[turn].size === 0);
  const waitingNow = (): Waiting => ({ submit: queues.submit.size, read: queues.read.size, poll: queues.poll.size });

  const pump = (): void => {
    clearTimeout(timer);
    for (;;) {
      const waiting = waitingNow();
      if (closed !== undefined || isEmpty()) return;
      const decision = schedule.next(nowMs(), waiting);
      if (decision.send !== undefined) {
        const waiter = queues[decision.send].shift();
        waiter?.settle(letGo(waiter));
        continue;
      }
      const expiresMs = sendLateAway(decision.because, decision.retryAtMs);
      if (isEmpty()) return;
      const untilMs = Math.min(decision.retryAtMs ?? Infinity, expiresMs);
      if (untilMs < Infinity) timer = setTimeout(pump, Math.max(0, untilMs - nowMs()));
      return;
    }
  };

  /** Sends away who has waited too long; says when the next will have. */
  const sendLateAway = (because: string, retryAtMs: number | undefined): number => {
    let nextMs = Infinity;
    for (const turn of TURNS) {
      for (const waiter of queues[turn].items()) {
        const expiresMs = waiter.sinceMs + MAX_HOLD_MS;
        if (expiresMs > nowMs()) nextMs = Math.min(nextMs, expiresMs);
        else if (queues[turn].remove(unitOf(waiter.request), waiter)) waiter.settle(away(because, retryAtMs));
      }
    }
    return nextMs;
  };

  const away = (because: string, retryAtMs: number | undefined): Error => {
    const waitMs = Math.min(MAX_AWAY_MS, Math.max(MIN_AWAY_MS, (retryAtMs ?? 0) - nowMs()));
    return heldBack(`Held back by the gate of ${service}: ${because}`, waitMs);
  };

  const letGo = ({ turn, request }: Waiter): Permit => {
    const id = nextId;
    nextId += 1;
    flying += 1;
    schedule.departed(id, turn, nowMs(), request.owner);
    deps.onGranted(request);
    return {
      beforeWrite: () => {
        if (!mayLeave()) throw heldBack(`The gate of ${service} was lost before the request left.`, MIN_AWAY_MS);
      },
      release: (observation) => {
        flying -= 1;
        schedule.answered(id, observation, nowMs());
        deps.onSent({ request, observation });
        if (flying === 0) closed?.idle();
        pump();
      },
    };
  };

  return {
    acquire: (request, signal) =>
      new Promise<Permit>((resolve, reject) => {
        if (closed !== undefined) return reject(away(closed.because, undefined));
        const turn = turnOf(request.kind);
        const abort = (): void => {
          if (queues[turn].remove(unitOf(request), waiter)) reject(signal.reason as Error);
        };
        const waiter: Waiter = {
          turn,
          request,
          sinceMs: nowMs(),
          settle: (granted) => {
            signal.removeEventListener('abort', abort);
            deps.onWaited?.(turn, nowMs() - waiter.sinceMs, !(granted instanceof Error));
            if (granted instanceof Error) reject(granted);
            else resolve(granted);
          },
        };
        if (signal.aborted) return reject(signal.reason as Error);
        signal.addEventListener('abort', abort, { once: true });
        queues[turn].push(unitOf(request), waiter);
        pump();
      }),

    wake: pump,

    holdMs: (kind) => {
      const decision = schedule.next(nowMs(), { submit: 0, read: 0, [kind]: 1 });
      if (decision.send !== undefined) return 0;
      if (decision.retryAtMs === undefined) return flying > 0 ? 0 : Infinity;
      return Math.max(0, decision.retryAtMs - nowMs());
    },

    passesAtOnce: (kind) => {
      if (closed !== undefined || !isEmpty() || !mayLeave()) return false;
      return schedule.next(nowMs(), { submit: 0, read: 0, [kind]: 1 }).send !== undefined;
    },

    inFlight: () => flying,

    waiting: waitingNow,

    close: (because) =>
      new Promise((resolve) => {
        clearTimeout(timer);
        closed = { because, idle: resolve };
        for (const turn of TURNS) for (const waiter of queues[turn].drain()) waiter.settle(away(because, undefined));
        if (flying === 0) resolve();
      }),
  };
}

/** Uploads and submits make new jobs; all else serves jobs that exist, and a poll can wait longest. */
export function turnOf(kind: RequestKind): Turn {
  if (kind === 'submit' || kind === 'upload') return 'submit';
  return kind === 'poll' ? 'poll' : 'read';
}

function unitOf(request: OutboundRequest): string {
  return request.turn ?? request.owner?.unit ?? '';
}
