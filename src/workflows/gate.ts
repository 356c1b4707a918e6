import { ActivityFailure, TimeoutFailure } from '@temporalio/common';
import {
  ActivityCancellationType,
  CancellationScope,
  condition,
  defineSignal,
  makeContinueAsNewFunc,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Change } from '../contracts/control.ts';
import {
  CLOSE_GATE_SIGNAL,
  GATE_ACTIVITY,
  GATE_HEARTBEAT_TIMEOUT_MS,
  gateQueue,
  OPEN_GATE_SIGNAL,
  type GateActivities,
  type GateInput,
  type GateMemo,
  type GateStateActivities,
  type GateTerm,
} from '../contracts/gate.ts';
import type { Json } from '../contracts/json.ts';

const closeSignal = defineSignal<[Change]>(CLOSE_GATE_SIGNAL);
const openSignal = defineSignal<[Change]>(OPEN_GATE_SIGNAL);

const { heldState } = proxyLocalActivities<GateStateActivities>({
  // The gate closes whether or not the state can be read: killing must not wait.
  startToCloseTimeout: '500ms',
  scheduleToCloseTimeout: '500ms',
  retry: { maximumAttempts: 1 },
});

/**
 * The one place a service's requests pass through. Temporal elects the holder: whichever worker gets the long activity. If it
 * dies, its heartbeat times out and another takes over; nothing of that grows this history.
 */
export async function gate(input: GateInput): Promise<never> {
  const { service } = input;
  let closed: Change | null = input.closed ?? null;
  let { left } = input;
  let terms = 0;

  // A gate that replaces this one starts from its memo, and needs no worker for that.
  const memo = (): GateMemo => ({ closed, left: left ?? null });
  const publish = (): void => {
    upsertMemo({ ...memo() });
    setCurrentDetails(describeGate(service, closed));
  };
  setHandler(closeSignal, (why) => {
    closed = why;
    publish();
  });
  setHandler(openSignal, () => {
    closed = null;
    publish();
  });
  setCurrentDetails(describeGate(service, closed));

  const termsPerRun = input.termsPerRun ?? Number.POSITIVE_INFINITY;
  while (!workflowInfo().continueAsNewSuggested && terms < termsPerRun) {
    await condition(() => closed === null);
    left = await holdUntilClosed(service, left, () => closed !== null);
    if (patched('memo-of-a-term')) publish();
    terms += 1;
  }
  return makeContinueAsNewFunc<typeof gate>({ memo: { ...memo() } })({
    service,
    ...(input.termsPerRun === undefined ? {} : { termsPerRun: input.termsPerRun }),
    ...(left === undefined ? {} : { left }),
    ...(closed === null ? {} : { closed }),
  });
}

/** One term: from opening to closing or handing over. Answers with what the next term starts from. */
async function holdUntilClosed(
  service: string,
  left: GateTerm | undefined,
  isClosed: () => boolean,
): Promise<GateTerm | undefined> {
  const { holdGate } = proxyActivities<GateActivities>({
    activityId: GATE_ACTIVITY,
    taskQueue: gateQueue(service),
    summary: `Hold the gate of ${service}`,
    startToCloseTimeout: '3650 days',
    heartbeatTimeout: GATE_HEARTBEAT_TIMEOUT_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    allowEagerDispatch: false,
    retry: { initialInterval: '100ms', backoffCoefficient: 1 },
  });
  const scope = new CancellationScope({ cancellable: true });
  let over = false;
  const holding = scope
    .run(() => holdGate({ service, ...(left === undefined ? {} : { left }) }))
    .catch(lastHeartbeat)
    .then((term) => {
      over = true;
      return term;
    });
  await condition(() => over || isClosed());
  if (over) return (await holding) ?? left;
  // Between two holders a cancellation carries no details, so they are read first.
  const state = await heldState().catch(() => null);
  scope.cancel();
  return (await holding) ?? (state === null ? left : { state, orderly: false });
}

/** A holder that vanished while being closed leaves its last heartbeat; one that was between two attempts leaves nothing. */
function lastHeartbeat(error: unknown): GateTerm | undefined {
  if (!(error instanceof ActivityFailure)) throw error;
  const state =
    error.cause instanceof TimeoutFailure ? (error.cause.lastHeartbeatDetails as Json | undefined) : undefined;
  return state === undefined || state === null ? undefined : { state, orderly: false };
}

function describeGate(service: string, closed: Change | null): string {
  if (closed === null)
    return `### Gate of ${service}\n\n**open**: its holder polls the service's queues and paces what is sent.`;
  const at = new Date(closed.atMs).toISOString();
  return `### Gate of ${service}\n\n**closed** by ${closed.actor} at ${at}: ${closed.reason}\n\nNothing is sent; jobs wait. Open it with \`playbook restore ${service}\`.`;
}
