import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityCancellationType,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  makeContinueAsNewFunc,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { ABORT_ROLLOUT_SIGNAL, ROLLOUT_LOG_QUERY } from '../contracts/rollout.ts';
import { ROLLOUT_NOTICE_WORKFLOW, rolloutNoticeId, type RolloutNotice } from '../contracts/rollout-notice.ts';
import {
  begin,
  COMMANDS,
  isOver,
  refuseCommand,
  transition,
  type RolloutEvent,
  type RolloutState,
  type Transition,
  type Who,
} from '../rules/rollout/machine.ts';
import {
  applyRequest,
  noticeOf,
  safeOf,
  viewOf,
  watchRequest,
  type RolloutActivities,
  type RolloutChange,
  type RolloutInput,
  type RolloutMemo,
  type RolloutResult,
  type RolloutView,
} from '../rules/rollout/messages.ts';
import { describeRollout } from '../rules/rollout/describe.ts';
import type { rolloutNotice } from './rollout-notice.ts';

const abortSignal = defineSignal<[Who]>(ABORT_ROLLOUT_SIGNAL);
const logQuery = defineQuery<readonly Transition[]>(ROLLOUT_LOG_QUERY);

const RETRY = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' } as const;
const activities = proxyActivities<RolloutActivities>({
  startToCloseTimeout: '30s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: RETRY,
});
const watching = proxyActivities<Pick<RolloutActivities, 'watchStage' | 'cancelRest'>>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '10s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: RETRY,
});

/** Steps of a run; each takes a dozen events at most. */
const STEPS_PER_RUN = 500;

/**
 * A staged rollout of one service: sets a stage's weight, has it watched, goes on when it passed, and back when it failed. It
 * changes traffic only through the service's control state, and holds a lease on what it sets.
 */
export async function rollout(input: RolloutInput): Promise<RolloutResult> {
  const { plan } = input;
  const { firstExecutionRunId } = workflowInfo();
  const id = `${firstExecutionRunId.slice(0, 8)}-${input.attempt}`;
  let state: RolloutState = input.state ?? begin(id, plan, input.mark, input.who, Date.now());

  const publish = (): void => {
    const memo: RolloutMemo = { rollout: viewOf(input, state) };
    upsertMemo({ ...memo });
    setCurrentDetails(describeRollout(memo.rollout));
  };
  const telling: Promise<void>[] = [];
  const tell = (): void => {
    const notice = noticeOf(input, state);
    if (notice !== undefined && input.tells) telling.push(startNotice(notice));
  };
  const take = (event: RolloutEvent): void => {
    const next = transition(state, event, plan, Date.now());
    if (next === state) return;
    const isStep = next.revision !== state.revision;
    state = next;
    publish();
    if (isStep) tell();
  };
  for (const command of COMMANDS) {
    setHandler(
      defineUpdate<RolloutView, [RolloutChange]>(command),
      ({ actor, reason, weightBps }) => {
        take({ type: command, actor, reason, ...(weightBps === undefined ? {} : { weightBps }) });
        return viewOf(input, state);
      },
      {
        validator: (change) => {
          const { actor, reason, expectedRevision } = change;
          const isStale = expectedRevision !== undefined && expectedRevision !== state.revision;
          const refused = isStale
            ? `The rollout is at revision ${state.revision}, not ${expectedRevision}. Look at it again, then decide.`
            : refuseCommand(state, command, plan, change);
          if (refused !== undefined) {
            throw ApplicationFailure.nonRetryable(refused, isStale ? 'STALE_REVISION' : 'INVALID_CHANGE');
          }
          if (!isText(actor) || !isText(reason)) {
            throw ApplicationFailure.nonRetryable(
              'actor and reason must be texts of 1 to 500 characters.',
              'INVALID_CHANGE',
            );
          }
        },
      },
    );
  }
  setHandler(abortSignal, (who) => take({ type: 'abort', ...who }));
  setHandler(logQuery, () => state.log);
  // A cancellation is an abort: the traffic must not stay where nobody watches it.
  CancellationScope.current().cancelRequested.catch(() => {
    take({ type: 'abort', actor: 'temporal', reason: 'The workflow was canceled.' });
  });

  return CancellationScope.nonCancellable(async () => {
    publish();
    if (input.state === undefined) tell();
    const { stepsPerRun = STEPS_PER_RUN } = input;
    for (let steps = 0; !isOver(state); steps += 1) {
      if (steps >= stepsPerRun || workflowInfo().continueAsNewSuggested) {
        await condition(allHandlersFinished);
        await Promise.all(telling);
        return makeContinueAsNewFunc<typeof rollout>({ memo: { rollout: viewOf(input, state) } })({ ...input, state });
      }
      const revision = state.revision;
      const event = await step(input, state, () => state.revision !== revision);
      if (event !== undefined) take(event);
    }
    await condition(allHandlersFinished);
    await Promise.all(telling);
    return { ...viewOf(input, state), log: state.log };
  });
}

/** Has a step told by a workflow of its own, which outlives this one. */
async function startNotice(notice: RolloutNotice): Promise<void> {
  await CancellationScope.nonCancellable(() =>
    startChild<typeof rolloutNotice>(ROLLOUT_NOTICE_WORKFLOW, {
      workflowId: rolloutNoticeId(notice),
      args: [notice],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `Rollout of ${notice.service}: ${notice.phase}`,
    }),
  ).catch((error: unknown) => {
    // Told already, by an earlier rollout of the same id: nothing is missing.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  });
}

/** What happens next; `undefined` when somebody decided otherwise meanwhile. */
async function step(
  input: RolloutInput,
  state: RolloutState,
  isOutdated: () => boolean,
): Promise<RolloutEvent | undefined> {
  const { service, plan, before } = input;
  if (state.phase === 'aborting') {
    const reason = `Rollout ${state.id} is aborted. ${state.because}`.slice(0, 500);
    await activities.applySafe({ service, safe: safeOf(plan, before), actor: `rollout ${state.id}`, reason });
    if (plan.onAbort !== 'cancel') return { type: 'safe' };
    return { type: 'safe', canceled: await watching.cancelRest({ service, rollout: state.id }) };
  }
  if (state.phase === 'applying')
    return unlessOutdated(() => activities.applyStage(applyRequest(input, state)), isOutdated);
  const { untilMs } = state;
  if (state.phase !== 'frozen' || untilMs === undefined) {
    return unlessOutdated(() => watching.watchStage(watchRequest(input, state, Date.now())), isOutdated);
  }
  let isThawed = untilMs <= Date.now();
  const timer = new CancellationScope();
  void timer
    .run(async () => {
      isThawed = isThawed || !(await condition(() => false, untilMs - Date.now()));
    })
    .catch(ignoreCancellation);
  const event = await unlessOutdated(
    () => watching.watchStage(watchRequest(input, state, Date.now())),
    () => isThawed || isOutdated(),
  );
  timer.cancel();
  return event ?? (isThawed && !isOutdated() ? { type: 'thawed' } : undefined);
}

/** An activity's answer, or nothing if it is overtaken; then it is cancelled, and what it ends with is ignored. */
async function unlessOutdated<T>(start: () => Promise<T>, isOutdated: () => boolean): Promise<T | undefined> {
  const scope = new CancellationScope();
  let answer: T | undefined;
  let failure: unknown;
  const running = scope.run(start).then(
    (value) => (answer = value),
    (error: unknown) => (failure = error),
  );
  void running;
  await condition(() => answer !== undefined || failure !== undefined || isOutdated());
  if (isOutdated()) {
    scope.cancel();
    return undefined;
  }
  if (failure !== undefined) throw failure;
  return answer;
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 500;
}
