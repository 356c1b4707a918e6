import { setTimeout as sleep } from 'node:timers/promises';
import type { google } from '@temporalio/proto';
import { temporal } from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

const { EVENT_TYPE_WORKFLOW_TASK_STARTED } = temporal.api.enums.v1.EventType;

/** What a worker process for several time-skipping servers is told. */
export interface SkippingWorkerArguments {
  readonly addresses: readonly string[];
  /** Path of the workflow bundle. */
  readonly bundle: string;
}

/** The server took a workflow task back half, or not at all, and will never go on with its workflow. */
export class WedgedError extends Error {}

const LOOK_EVERY_MS = 25;
const LOOKS_UNTIL_STUCK = 20;
const PATIENCE_MS = 120_000;
/** By then whatever went with its worker has timed out. */
const WEDGED_MS = 45_000;

/**
 * Lets the server's time pass for so long, and then until a watch is being answered or the rollout is over.
 *
 * That is when people may interfere: an activity that is canceled before its attempt has started, or between two attempts, makes
 * this server lose count of who keeps it from skipping time (docs/decisions/0033-interleavings-on-two-servers.md).
 * @throws WedgedError
 */
export async function passTime(env: TestWorkflowEnvironment, rolloutId: string, ms: number): Promise<void> {
  const untilMs = (await env.currentTimeMs()) + Math.round(ms);
  let [changedMs, before] = [Date.now(), ''];
  for (;;) {
    const { isOver, watch, step } = await lookAt(env, rolloutId);
    const nowMs = await env.currentTimeMs();
    if (isOver || (nowMs >= untilMs && watch?.isAnswered === true)) return;
    if (step !== before) [before, changedMs] = [step, Date.now()];
    else if (Date.now() - changedMs > WEDGED_MS && (await isWedged(env, rolloutId))) throw new WedgedError(rolloutId);
    if (watch === undefined || watch.dueMs <= nowMs) await sleep(LOOK_EVERY_MS);
    else await skip(env, rolloutId, watch.dueMs - nowMs);
  }
}

/** Skips time. Where nothing is under way that it could wait for, and it waits, the server's count is put right. */
async function skip(env: TestWorkflowEnvironment, rolloutId: string, ms: number): Promise<void> {
  const passing = env.connection.withDeadline(Date.now() + PATIENCE_MS, () => env.sleep(ms)).then(() => true);
  passing.catch(() => undefined); // looked at below, unless a look fails first
  let [before, looks] = ['', 0];
  while (!(await Promise.race([passing, sleep(LOOK_EVERY_MS, false)]))) {
    const { step, watch, historyLength } = await lookAt(env, rolloutId);
    const known = `${step} ${historyLength}`;
    looks = watch !== undefined && known === before ? looks + 1 : 0;
    before = known;
    if (looks < LOOKS_UNTIL_STUCK) continue;
    looks = 0;
    await env.connection.testService?.unlockTimeSkipping({});
  }
}

interface Look {
  readonly isOver: boolean;
  /** The watch that waits for its time, or is answered; absent while anything else is under way. */
  readonly watch?: { readonly dueMs: number; readonly isAnswered: boolean };
  /** Another one with each attempt of an activity. */
  readonly step: string;
  readonly historyLength: number;
}

async function lookAt(env: TestWorkflowEnvironment, rolloutId: string): Promise<Look> {
  const { runId, status, historyLength, raw } = await env.client.workflow.getHandle(rolloutId).describe();
  const [activity, ...others] = raw.pendingActivities ?? [];
  const dueMs = Number(activity?.lastFailure?.message);
  const isWatch = others.length === 0 && activity?.activityType?.name === 'watchStage' && dueMs > 0;
  return {
    isOver: status.name !== 'RUNNING',
    ...(isWatch ? { watch: { dueMs, isAnswered: millisecondsOf(activity.lastStartedTime) >= dueMs } } : {}),
    step: `${runId} ${activity?.activityId} ${activity?.attempt}`,
    historyLength,
  };
}

async function isWedged(env: TestWorkflowEnvironment, rolloutId: string): Promise<boolean> {
  const { events } = await env.client.workflow.getHandle(rolloutId).fetchHistory();
  return events?.at(-1)?.eventType === EVENT_TYPE_WORKFLOW_TASK_STARTED;
}

function millisecondsOf(time: google.protobuf.ITimestamp | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
}
