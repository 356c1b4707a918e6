import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  defineSignal,
  defineUpdate,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import {
  CONTROL_UPDATES,
  INITIAL_CONTROL,
  LEASE_GRACE_MS,
  RENEW_LEASE_SIGNAL,
  type ControlChanges,
  type ControlState,
  type ControlUpdate,
  type IntegrationInput,
  type LeaseRenewal,
} from '../contracts/control.ts';
import { changed, fallen, refusal, renewed } from '../rules/control.ts';
import { describeControl } from './control-details.ts';

const renewSignal = defineSignal<[LeaseRenewal]>(RENEW_LEASE_SIGNAL);

/**
 * The control state of one integration, changed only by validated updates that carry who and why: its history is the audit
 * trail. The memo mirrors the state, so that anyone reads it without a worker.
 */
export async function integration(input: IntegrationInput): Promise<never> {
  let state: ControlState = input.control ?? INITIAL_CONTROL;
  let changes = 0;

  const publish = (): void => setCurrentDetails(describeControl(input.service, state));
  const become = (next: ControlState): void => {
    if (next === state) return;
    state = next;
    changes += 1;
    upsertMemo({ control: state });
    publish();
  };
  const accept = (update: ControlUpdate): void => {
    setHandler(
      defineUpdate<ControlState, [ControlChanges[ControlUpdate]]>(CONTROL_UPDATES[update]),
      (change) => {
        become(changed(state, update, change, Date.now()));
        return state;
      },
      {
        validator: (change) => {
          const refused = refusal(state, update, change);
          if (refused !== undefined) throw ApplicationFailure.nonRetryable(refused.message, refused.code);
        },
      },
    );
  };
  accept('enable');
  accept('disable');
  accept('setWeight');
  accept('setBudget');
  accept('allow');
  accept('deny');
  setHandler(renewSignal, (renewal) => become(renewed(state, renewal)));
  publish();

  const changesPerRun = input.changesPerRun ?? Number.POSITIVE_INFINITY;
  const isFull = (): boolean => workflowInfo().continueAsNewSuggested || changes >= changesPerRun;
  while (!isFull()) {
    // An update's end before the timer it leads to: whether both belong to one activation is not the same again on a replay.
    await condition(allHandlersFinished);
    if (state.lease === undefined) await condition(() => isFull() || state.lease !== undefined);
    else if (await ranOut(() => state.lease?.untilMs, isFull)) become(fallen(state, Date.now()));
  }
  // An update accepted now would be dropped with this run; its caller must have its answer first.
  await condition(allHandlersFinished);
  return makeContinueAsNewFunc<typeof integration>({ memo: { control: state } })({ ...input, control: state });
}

/** Waits for a lease to run out, grace included: false when it did not, or when there is something else to do. */
async function ranOut(untilMs: () => number | undefined, isFull: () => boolean): Promise<boolean> {
  const seen = untilMs() ?? 0;
  const leftMs = seen - Date.now();
  // A renewal does not restart the timer: it is looked at when the timer fires.
  if (leftMs > 0) {
    await condition(() => isFull() || (untilMs() ?? 0) < seen, leftMs);
    return false;
  }
  return !(await condition(() => isFull() || untilMs() !== seen, LEASE_GRACE_MS));
}
