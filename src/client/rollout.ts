import {
  ApplicationFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
} from '@temporalio/client';
import { RENEW_LEASE_SIGNAL, integrationWorkflowId, type LeaseRenewal } from '../contracts/control.ts';
import { isErrorCode, PlaybookError } from '../contracts/errors.ts';
import { WORKFLOW_QUEUE } from '../contracts/queues.ts';
import { ABORT_ROLLOUT_SIGNAL, ROLLOUT_LOG_QUERY, ROLLOUT_WORKFLOW, rolloutWorkflowId } from '../contracts/rollout.ts';
import { begin, type RolloutCommand, type Transition, type Who } from '../rules/rollout/machine.ts';
import type { RolloutChange, RolloutInput, RolloutMemo, RolloutView } from '../rules/rollout/messages.ts';
import { markOf, viewOf } from '../rules/rollout/messages.ts';
import type { RolloutPlan } from '../rules/rollout/plan.ts';
import { changeControl, readControl } from './control.ts';
import { translating } from './errors.ts';

const UPDATE_TIMEOUT_MS = 15_000;

/**
 * Starts a rollout; the weight in force now is what an abort or a rollback leaves to compare with.
 * @throws PlaybookError INVALID_CHANGE when one is under way, TEMPORAL_UNREACHABLE
 */
export async function startRollout(
  client: Client,
  service: string,
  { plan, who }: { readonly plan: RolloutPlan; readonly who: Who },
): Promise<void> {
  const [control, last] = await Promise.all([readControl(client, service), readRollout(client, service)]);
  const { enabled, weightBps, allow } = control;
  const input: RolloutInput = {
    service,
    plan,
    who,
    before: { enabled, weightBps, allow },
    mark: markOf(control),
    tells: true,
    attempt: last?.phase === 'aborted' ? last.attempt + 1 : 1,
  };
  // What there is to see until a worker takes it up and gives it its id.
  const memo: RolloutMemo = { rollout: viewOf(input, begin('new', plan, input.mark, who, Date.now())) };
  try {
    await translating(() =>
      client.workflow.start(ROLLOUT_WORKFLOW, {
        workflowId: rolloutWorkflowId(service),
        taskQueue: WORKFLOW_QUEUE,
        args: [input],
        memo: { ...memo },
        staticSummary: `Rollout of ${service}`,
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new PlaybookError(
      'INVALID_CHANGE',
      `A rollout of ${service} is under way. Look at \`playbook rollout status ${service}\`; abort it before another.`,
      { cause: error },
    );
  }
}

/**
 * The next attempt at a rollout that was aborted: fresh counters, the same units.
 * @throws PlaybookError INVALID_CHANGE when it was not aborted, STALE_REVISION, TEMPORAL_UNREACHABLE
 */
export async function retryRollout(
  client: Client,
  service: string,
  {
    plan,
    who,
    expectedRevision,
  }: { readonly plan: RolloutPlan; readonly who: Who; readonly expectedRevision?: number },
): Promise<void> {
  const last = await readRollout(client, service);
  if (last?.phase !== 'aborted') {
    const what = last === undefined ? 'There has been none' : `The latest is ${last.phase}`;
    throw new PlaybookError('INVALID_CHANGE', `Only an aborted rollout can be retried. ${what}.`);
  }
  if (expectedRevision !== undefined && expectedRevision !== last.revision) {
    throw new PlaybookError(
      'STALE_REVISION',
      `The rollout is at revision ${last.revision}, not ${expectedRevision}. Look at it again, then decide.`,
    );
  }
  await startRollout(client, service, { plan, who });
}

/** The latest rollout of a service, from its memo: no worker is needed. `undefined` when there has been none. */
export async function readRollout(client: Client, service: string): Promise<RolloutView | undefined> {
  try {
    const { memo } = await translating(() => client.workflow.getHandle(rolloutWorkflowId(service)).describe());
    return (memo as Partial<RolloutMemo> | undefined)?.rollout;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/**
 * Approves, pauses, resumes, promotes, aborts or sets the weight. Needs a worker.
 * @throws PlaybookError STALE_REVISION, INVALID_CHANGE, NO_WORKER, TEMPORAL_UNREACHABLE
 */
export async function commandRollout(
  client: Client,
  service: string,
  command: RolloutCommand,
  change: RolloutChange,
): Promise<RolloutView> {
  try {
    return await translating(() =>
      client.withDeadline(Date.now() + UPDATE_TIMEOUT_MS, () =>
        client.workflow
          .getHandle(rolloutWorkflowId(service))
          .executeUpdate<RolloutView, [RolloutChange]>(command, { args: [change] }),
      ),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw noRollout(service, error);
    if (isTimeout(error)) throw await noWorker(client, service, command, error);
    if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
    const code = error.cause.type ?? '';
    throw new PlaybookError(isErrorCode(code) ? code : 'INTERNAL', error.cause.message, { cause: error });
  }
}

/** Aborts without waiting for a worker: it happens once there is one. */
export async function signalAbort(client: Client, service: string, who: Who): Promise<void> {
  try {
    await translating(() => client.workflow.getHandle(rolloutWorkflowId(service)).signal(ABORT_ROLLOUT_SIGNAL, who));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw noRollout(service, error);
  }
}

/** What happened in the latest rollout, the latest last. Needs a worker. */
export async function readRolloutLog(client: Client, service: string): Promise<readonly Transition[]> {
  try {
    return await translating(() =>
      client.workflow.getHandle(rolloutWorkflowId(service)).query<readonly Transition[]>(ROLLOUT_LOG_QUERY),
    );
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw noRollout(service, error);
  }
}

/**
 * Goes back to what held before the latest rollout: one under way is aborted first.
 * @returns the weight that holds now, in ten-thousandths
 */
export async function rollBack(client: Client, service: string, who: Who): Promise<number> {
  const last = await readRollout(client, service);
  if (last === undefined) throw noRollout(service);
  if (last.phase !== 'done' && last.phase !== 'aborted') {
    if (last.phase !== 'aborting') await commandRollout(client, service, 'abort', who);
    await translating(() => client.workflow.getHandle(rolloutWorkflowId(service)).result());
  }
  const { weightBps } = await changeControl(client, service, 'setWeight', { ...who, ...last.before });
  return weightBps;
}

/** Says that a weight is still watched. A service without control state has none to renew. */
export async function renewLease(client: Client, service: string, renewal: LeaseRenewal): Promise<void> {
  try {
    await translating(() =>
      client.workflow.getHandle(integrationWorkflowId(service)).signal(RENEW_LEASE_SIGNAL, renewal),
    );
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

function isTimeout(error: unknown): boolean {
  return (
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
    (error instanceof PlaybookError && error.code === 'TEMPORAL_UNREACHABLE')
  );
}

/** Where the server answers and the update did not, a worker is missing. */
async function noWorker(client: Client, service: string, command: string, cause: unknown): Promise<PlaybookError> {
  const view = await readRollout(client, service);
  const hint = command === 'abort' ? ' `playbook rollout abort --no-wait` needs none.' : '';
  return new PlaybookError(
    'NO_WORKER',
    `No worker took ${command} of the rollout of ${service} within ${UPDATE_TIMEOUT_MS / 1_000} s; it is at revision ${view?.revision}. A worker that starts may still do it: look at \`playbook rollout status ${service}\` before you repeat it.${hint}`,
    { cause },
  );
}

function noRollout(service: string, cause?: unknown): PlaybookError {
  return new PlaybookError(
    'INVALID_CHANGE',
    `No rollout of ${service} is under way. Start one: playbook rollout start ${service}`,
    { cause },
  );
}
