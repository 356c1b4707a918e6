import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { gateWorkflowId, integrationWorkflowId, type Change, type ControlState } from '../contracts/control.ts';
import { CLOSE_GATE_SIGNAL, OPEN_GATE_SIGNAL, type GateInput } from '../contracts/gate.ts';
import { decodePayload } from './decode-payload.ts';
import { translating } from './errors.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** One change of a service's control state or of its gate. */
export interface ControlEntry extends Change {
  /** Of the control state after the change; `null` where the gate was closed or opened. */
  readonly revision: number | null;
}

/**
 * Who changed what, when and why, the latest first: read from the histories of the `integration` and `gate` workflows, as far
 * back as the namespace keeps closed runs. Needs no worker.
 * @param service a service's short name
 * @throws PlaybookError TEMPORAL_UNREACHABLE
 */
export async function readChanges(client: Client, service: string): Promise<readonly ControlEntry[]> {
  const [changes, kills] = await Promise.all([
    readRuns(client, integrationWorkflowId(service), (event) => controlEntry(client, event)),
    readRuns(client, gateWorkflowId(service), (event) => gateEntry(client, event)),
  ]);
  // A kill that started the gate is told twice: by what it was started with, and by its signal.
  const told = new Map([...changes, ...kills].map((entry) => [JSON.stringify(entry), entry]));
  return [...told.values()].toSorted((a, b) => b.atMs - a.atMs || (b.revision ?? 0) - (a.revision ?? 0));
}

async function readRuns(
  client: Client,
  workflowId: string,
  read: (event: HistoryEvent) => Promise<ControlEntry | undefined>,
): Promise<readonly ControlEntry[]> {
  const found: ControlEntry[] = [];
  await translating(async () => {
    for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      for (const event of events ?? []) {
        const entry = await read(event);
        if (entry !== undefined) found.push(entry);
      }
    }
  });
  return found;
}

/** The memo mirrors the state after each change, those by the workflow itself included; it says who, what and why. */
async function controlEntry(client: Client, event: HistoryEvent): Promise<ControlEntry | undefined> {
  const payload = event.workflowPropertiesModifiedEventAttributes?.upsertedMemo?.fields?.['control'];
  if (!payload) return undefined;
  const { changed, revision } = await decodePayload<ControlState>(client, payload);
  return changed === undefined ? undefined : { ...changed, revision };
}

async function gateEntry(client: Client, event: HistoryEvent): Promise<ControlEntry | undefined> {
  const signal = event.workflowExecutionSignaledEventAttributes;
  const started = event.workflowExecutionStartedEventAttributes;
  if (signal?.signalName === CLOSE_GATE_SIGNAL || signal?.signalName === OPEN_GATE_SIGNAL) {
    const [payload] = signal.input?.payloads ?? [];
    return payload ? { ...(await decodePayload<Change>(client, payload)), revision: null } : undefined;
  }
  // A gate that starts closed does so after a forced kill; one that was continued was closed before.
  const [argument] = started && !started.continuedExecutionRunId ? (started.input?.payloads ?? []) : [];
  const closed = argument && (await decodePayload<GateInput>(client, argument)).closed;
  return closed ? { ...closed, revision: null } : undefined;
}
