import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { GATE_ACTIVITY, type GateMemo, type GateTerm } from '../contracts/gate.ts';
import type { Json } from '../contracts/json.ts';
import { decodePayload } from './decode-payload.ts';

/** Who holds a gate, and what its last heartbeat said. */
export interface HeldGate {
  /** The worker's identity; `null` while nobody holds it. */
  readonly holder: string | null;
  /** Somebody holds it or may take it: false while it is closed, or between a term's end and the next one's offer. */
  readonly isOffered: boolean;
  /** Details of the last heartbeat; `null` before the first. */
  readonly state: Json;
  /** What a gate that replaces this one starts from; absent where nothing is known. */
  readonly left?: GateTerm;
}

const { PENDING_ACTIVITY_STATE_SCHEDULED } = proto.temporal.api.enums.v1.PendingActivityState;

/** Reads the gate's activity out of the description of its workflow. */
export async function readHeldGate(client: Client, workflowId: string, runId?: string): Promise<HeldGate> {
  const { raw, memo } = await client.workflow.getHandle(workflowId, runId).describe();
  const hold = raw.pendingActivities?.find(({ activityId }) => activityId === GATE_ACTIVITY);
  const [payload] = hold?.heartbeatDetails?.payloads ?? [];
  const running = hold?.state !== undefined && hold.state !== PENDING_ACTIVITY_STATE_SCHEDULED;
  const state = payload === undefined ? null : await decodePayload<Json>(client, payload);
  const { left: ended } = (memo ?? {}) as Partial<GateMemo>;
  const left = leftBy(state, ended ?? undefined, hold !== undefined);
  return {
    holder: running ? (hold?.lastWorkerIdentity ?? null) : null,
    isOffered: hold !== undefined,
    state,
    ...(left === undefined ? {} : { left }),
  };
}

/** The heartbeat is newer than what the last term left; while a term may be under way, something may have been sent since. */
function leftBy(state: Json, ended: GateTerm | undefined, isOpen: boolean): GateTerm | undefined {
  if (state !== null) return { state, orderly: false };
  return ended === undefined ? undefined : { ...ended, orderly: ended.orderly && !isOpen };
}
