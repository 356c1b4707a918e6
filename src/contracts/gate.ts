import type { Change } from './control.ts';
import type { Json } from './json.ts';

export const GATE_WORKFLOW = 'gate';

/** Task queue on which a service's gate holder is elected. Nothing else runs there. */
export function gateQueue(service: string): string {
  return `playbook-gate-${service}`;
}

/** Signal `(why: Change)`: nothing more may leave. The ordinary kill switch. */
export const CLOSE_GATE_SIGNAL = 'close';
/** Signal `(why: Change)`: open again. */
export const OPEN_GATE_SIGNAL = 'open';

/** Argument of the `gate` workflow. */
export interface GateInput {
  readonly service: string;
  /** What the last holder left: budget spent, adapted rate, breaker. */
  readonly left?: GateTerm;
  /** Set while the gate is closed. */
  readonly closed?: Change;
  /** Continue as new after so many terms, sooner than the server suggests. */
  readonly termsPerRun?: number;
}

/** Memo of the `gate` workflow. */
export interface GateMemo {
  /** `null` while open. */
  readonly closed: Change | null;
  /** What the next term starts from, as of the last one's end; `null` or absent before that. A later heartbeat is newer. */
  readonly left?: GateTerm | null;
}

/** What the holder is told at the start of its term. */
export interface HoldGateRequest {
  readonly service: string;
  /** Absent at the very first term. */
  readonly left?: GateTerm;
}

/** What a term of holding the gate left behind. */
export interface GateTerm {
  readonly state: Json;
  /** Nothing was sent after the state was taken. Otherwise it is the last heartbeat of a holder that vanished. */
  readonly orderly: boolean;
}

/** On a service's gate queue. */
export interface GateActivities {
  /** Holds the gate: polls the service's queues in this process and paces all it sends, until cancelled or shut down. */
  readonly holdGate: (request: HoldGateRequest) => Promise<GateTerm>;
}

/** Local activity of the `gate` workflow. */
export interface GateStateActivities {
  /** The state in the holder's last heartbeat; `null` when there is none. */
  readonly heldState: () => Promise<Json>;
}

/** Id of the activity that holds a gate. */
export const GATE_ACTIVITY = 'hold';

/** Milliseconds without an acknowledged heartbeat after which another process may hold the gate. */
export const GATE_HEARTBEAT_TIMEOUT_MS = 2_000;
