import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { GATE_ACTIVITY } from '../contracts/gate.ts';
import type { Json } from '../contracts/json.ts';
import { decodePayload } from './decode-payload.ts';

/** Who holds a gate, and what its last heartbeat said. */
export interface HeldGate {
  /** The worker's identity; `null` while nobody holds it. */
  readonly holder: string | null;
  /** Details of the last heartbeat; `null` before the first. */
  readonly state: Json;
}

const { PENDING_ACTIVITY_STATE_SCHEDULED } = proto.temporal.api.enums.v1.PendingActivityState;

/** Reads the gate's activity out of the description of its workflow. */
export async function readHeldGate(client: Client, workflowId: string, runId?: string): Promise<HeldGate> {
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  const hold = raw.pendingActivities?.find(({ activityId }) => activityId === GATE_ACTIVITY);
  const [payload] = hold?.heartbeatDetails?.payloads ?? [];
  const running = hold?.state !== undefined && hold.state !== PENDING_ACTIVITY_STATE_SCHEDULED;
  return {
    holder: running ? (hold?.lastWorkerIdentity ?? null) : null,
    state: payload === undefined ? null : await decodePayload<Json>(client, payload),
  };
}
