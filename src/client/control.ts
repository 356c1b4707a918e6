import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  WithStartWorkflowOperation,
  type Client,
} from '@temporalio/client';
import {
  CONTROL_UPDATES,
  gateWorkflowId,
  INITIAL_CONTROL,
  INTEGRATION_WORKFLOW,
  integrationWorkflowId,
  type Change,
  type ControlChanges,
  type ControlState,
  type ControlUpdate,
  type IntegrationInput,
  type IntegrationMemo,
} from '../contracts/control.ts';
import { isErrorCode, PlaybookError } from '../contracts/errors.ts';
import {
  CLOSE_GATE_SIGNAL,
  GATE_WORKFLOW,
  OPEN_GATE_SIGNAL,
  type GateInput,
  type GateMemo,
  type GateTerm,
} from '../contracts/gate.ts';
import { WORKFLOW_QUEUE } from '../contracts/queues.ts';
import { translating } from './errors.ts';
import { readHeldGate } from './held-gate.ts';

/** Updates wait for a worker, and around a continue-as-new for some seconds more. */
const UPDATE_TIMEOUT_MS = 15_000;
const READ_TIMEOUT_MS = 5_000;
/** What the gate's workflow gets to take a kill, in milliseconds; the two seconds of the kill switch have to hold the rest, too. */
const CLOSING_MS = 1_000;
const CLOSING_LOOK_MS = 50;

/**
 * The control state, read from the memo: no worker is needed. An integration nobody has ever touched is off.
 * @throws PlaybookError TEMPORAL_UNREACHABLE
 */
export async function readControl(client: Client, service: string): Promise<ControlState> {
  const memo = await readMemo<IntegrationMemo>(client, integrationWorkflowId(service));
  return memo?.control ?? INITIAL_CONTROL;
}

/**
 * Changes the control state; starts it where it does not exist yet. Needs a running worker.
 * @param options.timeoutMs how long a worker gets to take the change @default 15_000
 * @throws PlaybookError STALE_REVISION, INVALID_CHANGE, NO_WORKER or TEMPORAL_UNREACHABLE
 */
export async function changeControl<U extends ControlUpdate>(
  client: Client,
  service: string,
  update: U,
  change: ControlChanges[U],
  options: { readonly timeoutMs?: number } = {},
): Promise<ControlState> {
  const timeoutMs = options.timeoutMs ?? UPDATE_TIMEOUT_MS;
  const start = new WithStartWorkflowOperation<(input: IntegrationInput) => Promise<never>>(INTEGRATION_WORKFLOW, {
    workflowId: integrationWorkflowId(service),
    taskQueue: WORKFLOW_QUEUE,
    args: [{ service }],
    memo: { control: INITIAL_CONTROL },
    staticSummary: `Control state of ${service}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  try {
    return await translating(() =>
      client.withDeadline(Date.now() + timeoutMs, () =>
        client.workflow.executeUpdateWithStart<
          (input: IntegrationInput) => Promise<never>,
          ControlState,
          [ControlChanges[U]]
        >(CONTROL_UPDATES[update], { args: [change], startWorkflowOperation: start }),
      ),
    );
  } catch (error) {
    if (isTimeout(error)) throw await noWorker(client, service, timeoutMs, error);
    if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
    const code = error.cause.type ?? '';
    throw new PlaybookError(isErrorCode(code) ? code : 'INTERNAL', error.cause.message, { cause: error });
  }
}

function isTimeout(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  return error instanceof PlaybookError && error.code === 'TEMPORAL_UNREACHABLE';
}

/** Where the server answers and the update did not, a worker is missing. */
async function noWorker(client: Client, service: string, timeoutMs: number, cause: unknown): Promise<PlaybookError> {
  const { revision } = await client.withDeadline(Date.now() + READ_TIMEOUT_MS, () => readControl(client, service));
  return new PlaybookError(
    'NO_WORKER',
    `No worker took the change of ${service} within ${timeoutMs / 1_000} s; the control state is at revision ${revision}. A worker that starts may still make it: look at \`playbook status ${service}\` before you repeat it.`,
    { cause },
  );
}

/** How a gate stands. */
export interface GateReading {
  /** False where no worker has ever served the service. */
  readonly exists: boolean;
  readonly closed: Change | null;
}

/** Reads a gate without a worker. @throws PlaybookError TEMPORAL_UNREACHABLE */
export async function readGate(client: Client, service: string): Promise<GateReading> {
  const memo = await readMemo<GateMemo>(client, gateWorkflowId(service));
  return { exists: memo !== undefined, closed: memo?.closed ?? null };
}

/** Starts a service's gate, open, unless it has one. What workers do when they start. */
export async function ensureGate(client: Client, service: string): Promise<void> {
  try {
    await translating(() =>
      client.workflow.start<(input: GateInput) => Promise<never>>(GATE_WORKFLOW, gateStart(service, null)),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** How a gate was shut: by its workflow, which ended the holder's term in order, or by replacing that workflow. */
export type Closing = 'ended' | 'replaced';

/**
 * The kill switch: two seconds after the call at the latest nothing leaves; jobs wait in Temporal.
 * The gate's workflow is asked to close. Where it has not within a second, it is replaced by one that is closed, in one step,
 * which needs no worker: a task of a workflow can wait for a process that is frozen, and a kill must not. The new one starts from
 * what the holder last said, so that what was spent stays spent.
 * @param options.force replaces at once
 * @throws PlaybookError TEMPORAL_UNREACHABLE
 */
export async function killGate(
  client: Client,
  service: string,
  why: Change,
  options: { readonly force?: boolean } = {},
): Promise<Closing> {
  if (!options.force) {
    const untilMs = performance.now() + CLOSING_MS;
    await translating(() =>
      client.workflow.signalWithStart<(input: GateInput) => Promise<never>, [Change]>(GATE_WORKFLOW, {
        ...gateStart(service, why),
        signal: CLOSE_GATE_SIGNAL,
        signalArgs: [why],
      }),
    );
    if (await closes(client, service, why, untilMs)) return 'ended';
  }
  const left = await leftOf(client, service);
  await translating(() =>
    client.workflow.start(GATE_WORKFLOW, {
      ...gateStart(service, why, left),
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
    }),
  );
  return 'replaced';
}

/** Whether the gate's workflow has taken this very kill by then. */
async function closes(client: Client, service: string, why: Change, untilMs: number): Promise<boolean> {
  while (performance.now() < untilMs) {
    const { closed } = await readGate(client, service);
    // An earlier kill may still stand in the memo, with a restore the workflow has not taken yet.
    if (closed?.atMs === why.atMs && closed.actor === why.actor && closed.reason === why.reason) return true;
    await sleep(CLOSING_LOOK_MS);
  }
  return false;
}

/** Opens the gate: the backlog resumes by itself. */
export async function restoreGate(client: Client, service: string, why: Change): Promise<void> {
  await translating(() =>
    client.workflow.signalWithStart<(input: GateInput) => Promise<never>, [Change]>(GATE_WORKFLOW, {
      ...gateStart(service, null),
      signal: OPEN_GATE_SIGNAL,
      signalArgs: [why],
    }),
  );
}

function gateStart(service: string, closed: Change | null, left?: GateTerm) {
  const input: GateInput = {
    service,
    ...(closed === null ? {} : { closed }),
    ...(left === undefined ? {} : { left }),
  };
  const memo: GateMemo = { closed, ...(left === undefined ? {} : { left }) };
  return {
    workflowId: gateWorkflowId(service),
    taskQueue: WORKFLOW_QUEUE,
    args: [input] as [GateInput],
    memo: { ...memo },
    staticSummary: `Gate of ${service}`,
  };
}

/** What the new gate starts from; a kill does not fail for want of it. */
async function leftOf(client: Client, service: string): Promise<GateTerm | undefined> {
  try {
    return (await readHeldGate(client, gateWorkflowId(service))).left;
  } catch {
    return undefined;
  }
}

async function readMemo<Memo>(client: Client, workflowId: string): Promise<Memo | undefined> {
  try {
    const described = await translating(() => client.workflow.getHandle(workflowId).describe());
    return described.status.name === 'RUNNING' ? (described.memo as Memo | undefined) : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
