import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, Context } from '@temporalio/activity';
import { ActivityCancelledError, ActivityNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { GATE_HEARTBEAT_TIMEOUT_MS, type GateActivities, type GateTerm } from '../../contracts/gate.ts';
import type { Json } from '../../contracts/json.ts';
import { createLease, type HeartbeatAnswer, type LeaseEnd } from './lease.ts';

/** How often a holder renews its lease, in milliseconds. A kill is noticed within that. */
const RENEW_EVERY_MS = 250;
/**
 * A holder with nothing to send renews it this seldom, in milliseconds, and at once when there is something: each heartbeat is a
 * billed Action, and the lease is trusted for 1.4 s.
 */
const RENEW_IDLE_EVERY_MS = 1_000;
/** Longest one heartbeat may take before the next is tried, in milliseconds. */
const HEARTBEAT_DEADLINE_MS = 1_000;
/** How often the SDK's own heartbeat timer is fed; it runs out after the heartbeat timeout and five seconds. */
const SDK_HEARTBEAT_EVERY_MS = 2_000;
/** Longest an ending term waits for answers under way, in milliseconds: the next holder starts with what is known by then. */
const SETTLE_MS = 400;

/** What a term of holding a gate does; starts with the lease valid. */
export interface Term {
  /** The state a successor needs, at this moment. */
  readonly snapshot: () => Json;
  /** The same once the term has ended. */
  readonly finalSnapshot: () => Json;
  /** The server has the snapshot that was taken last. */
  readonly acknowledged: () => void;
  /** Nothing was sent or waited to be sent for a while. */
  readonly isIdle: () => boolean;
  /** Lets nothing more leave and resolves once nothing is under way. */
  readonly end: (because: string) => Promise<void>;
  /** Rejects if the term cannot go on. */
  readonly broken: Promise<never>;
}

/** Begins a term: takes over the state its predecessor left, and starts to let requests leave while `mayLeave`. */
export type BeginTerm = (options: {
  readonly lane: string;
  readonly left: GateTerm | undefined;
  readonly mayLeave: () => boolean;
}) => Promise<Term>;

/** The activity that holds a gate. One process at a time is elected by Temporal; the lease keeps a superseded one from sending. */
export function createGateActivities(deps: {
  readonly beginTerm: BeginTerm;
  /** Aborted when this process stops: the gate is handed over. */
  readonly stopping: AbortSignal;
  readonly logger: Logger;
  /** Told why a term ended. @default nobody is */
  readonly onEnded?: (lane: string, end: LeaseEnd | 'stopping' | 'broken') => void;
}): GateActivities {
  return {
    holdGate: async ({ service, left }) => {
      const context = Context.current();
      const { taskToken } = activityInfo();
      const { client } = context;
      // Of an attempt before this one: a holder that vanished, or one whose first heartbeat only passed on what it was given.
      const heartbeaten = context.info.heartbeatDetails as Json | undefined;
      const inherited: GateTerm | undefined = heartbeaten ? { state: heartbeaten, orderly: false } : left;
      let term: Term | undefined;
      let end: LeaseEnd | 'stopping' | 'broken' = 'broken';
      let fedMs = -Infinity;
      const lease = createLease({
        heartbeat: async () => {
          const details = term?.snapshot() ?? inherited?.state ?? null;
          if (performance.now() - fedMs > SDK_HEARTBEAT_EVERY_MS) {
            fedMs = performance.now();
            context.heartbeat(details);
          }
          const answer = await heartbeat(client, taskToken, details);
          if (answer === 'held') term?.acknowledged();
          return answer;
        },
        timeoutMs: GATE_HEARTBEAT_TIMEOUT_MS,
        everyMs: RENEW_EVERY_MS,
        mayRest: (sinceMs) => term?.isIdle() === true && sinceMs + RENEW_EVERY_MS <= RENEW_IDLE_EVERY_MS,
        monotonicMs: () => performance.now(),
      });
      try {
        await lease.renew();
        term = await deps.beginTerm({ lane: service, left: inherited, mayLeave: lease.valid });
        deps.logger.info({ service }, `This process holds the gate of ${service}.`);
        end = await Promise.race([lease.ended, stopped(deps.stopping), term.broken]);
        await Promise.race([term.end(end), sleep(SETTLE_MS)]);
        deps.logger.info({ service, because: end }, `This process no longer holds the gate of ${service}.`);
        return { state: term.finalSnapshot(), orderly: true };
      } finally {
        if (term !== undefined) {
          deps.onEnded?.(service, end);
          void term.end('the term is over');
        }
        await lease.release();
      }
    },
  };
}

async function heartbeat(client: Client, taskToken: Uint8Array, details: Json): Promise<HeartbeatAnswer> {
  try {
    await client.withDeadline(Date.now() + HEARTBEAT_DEADLINE_MS, () => client.activity.heartbeat(taskToken, details));
    return 'held';
  } catch (error) {
    if (error instanceof ActivityCancelledError) return 'closed';
    if (error instanceof ActivityNotFoundError) return 'superseded';
    throw error;
  }
}

async function stopped(signal: AbortSignal): Promise<'stopping'> {
  if (signal.aborted) return 'stopping';
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('stopping'), { once: true }));
}
