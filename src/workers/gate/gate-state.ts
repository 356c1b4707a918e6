import type { Json } from '../../contracts/json.ts';
import type { GateSnapshot, GateStart, GateView } from '../../rules/gate/schedule.ts';
import type { GateTerm } from '../../contracts/gate.ts';

/** What a holder keeps outside its process, in every heartbeat: what a successor needs, and what an operator wants to see. */
export interface GateState {
  readonly version: 1;
  readonly schedule: GateSnapshot;
  readonly view: GateView;
}

/** A state as the activity's details carry it. */
export function toJson(state: GateState): Json {
  return state as unknown as Json;
}

/** Reads details back; `undefined` when they are none of ours or of another version. */
export function readGateState(details: unknown): GateState | undefined {
  const state = details as Partial<GateState> | null | undefined;
  return state?.version === 1 && state.schedule !== undefined ? (state as GateState) : undefined;
}

/**
 * What a term starts from. Without any state anything may have been sent just now.
 * @param leaseMs how long a holder that vanished may have gone on after its last heartbeat
 */
export function startFrom(left: GateTerm | undefined, leaseMs: number): GateStart {
  const state = readGateState(left?.state);
  if (left === undefined || state === undefined) return 'unknown';
  return { snapshot: state.schedule, unseenMs: left.orderly ? 0 : leaseMs };
}
