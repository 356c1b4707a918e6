import type { Client } from '@temporalio/client';
import { countOpenJobs, oldestOpenJob, readControl, readGate, readHeldGate } from '../../client/index.ts';
import type { JobSnapshot, OpenJobs } from '../../client/index.ts';
import { gateWorkflowId } from '../../contracts/control.ts';
import type { Change, ControlState } from '../../contracts/control.ts';
import { laneOf } from '../../contracts/queues.ts';
import type { Route } from '../../contracts/states.ts';
import type { GateView } from '../../rules/gate/schedule.ts';
import { readGateState } from '../../workers/gate/gate-state.ts';

/** How the gate of one lane stands. */
export interface LaneReading {
  readonly lane: string;
  readonly route: Route;
  /** False where no worker has ever served it. */
  readonly exists: boolean;
  /** Who killed it, why and when; `null` while open. */
  readonly killed: Change | null;
  /** Identity of the worker that holds the gate. */
  readonly holder: string | null;
  /** What the holder's last heartbeat said, a quarter of a second old at most; `null` without a holder. */
  readonly view: GateView | null;
}

/** How a service stands, read without a worker. */
export interface ServiceReading {
  readonly service: string;
  readonly control: ControlState;
  /** The live one, and the fallback's where there is one. */
  readonly lanes: readonly LaneReading[];
  readonly jobs: OpenJobs;
  readonly oldest: JobSnapshot | undefined;
  /** Epoch milliseconds. */
  readonly readAtMs: number;
}

/** Reads all that an operator wants to know of a service. @throws PlaybookError TEMPORAL_UNREACHABLE */
export async function readService(client: Client, service: string, nowMs: number): Promise<ServiceReading> {
  const [control, live, fallback, jobs, oldest] = await Promise.all([
    readControl(client, service),
    readLane(client, service, 'live'),
    readLane(client, service, 'fallback'),
    countOpenJobs(client, service),
    oldestOpenJob(client, service, nowMs),
  ]);
  return { service, control, lanes: fallback.exists ? [live, fallback] : [live], jobs, oldest, readAtMs: nowMs };
}

/** Reads one gate and its holder. */
export async function readLane(client: Client, service: string, route: Route): Promise<LaneReading> {
  const lane = laneOf(service, route);
  const { exists, closed } = await readGate(client, lane);
  if (!exists) return { lane, route, exists, killed: null, holder: null, view: null };
  const { holder, state } = await readHeldGate(client, gateWorkflowId(lane));
  return { lane, route, exists, killed: closed, holder, view: (holder && readGateState(state)?.view) || null };
}
