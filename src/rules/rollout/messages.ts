import type { ControlState } from '../../contracts/control.ts';
import type { RolloutNotice } from '../../contracts/rollout-notice.ts';
import type { Route } from '../../contracts/states.ts';
import type { StageVerdict } from '../slo/stage.ts';
import type { Watcher } from '../slo/watchers.ts';
import type { Collected } from './collect.ts';
import type { CommandArguments, Phase, RolloutState, Transition, Who } from './machine.ts';
import { leaves, stageOf, weightOf } from './machine.ts';
import type { RolloutPlan, RolloutStage } from './plan.ts';
import { stagesOf } from './plan.ts';

/** What a rollout was started from: where `--rollback` goes back to. */
export type Before = Pick<ControlState, 'enabled' | 'weightBps' | 'allow'>;

/** Argument of the `rollout` workflow. */
export interface RolloutInput {
  readonly service: string;
  readonly plan: RolloutPlan;
  readonly who: Who;
  readonly before: Before;
  /** What the control state looked like when it was started; see {@link markOf}. */
  readonly mark: string;
  /** Counts retries of an aborted rollout, from 1. */
  readonly attempt: number;
  /** People are told of each step; absent in histories from before they were. */
  readonly tells?: true;
  /** Carried over from the run before. */
  readonly state?: RolloutState;
  /** Continue as new after so many steps, sooner than the server suggests. */
  readonly stepsPerRun?: number;
}

/** Argument of the updates; a stale `expectedRevision` is refused. */
export interface RolloutChange extends Who, CommandArguments {
  readonly expectedRevision?: number;
}

/** A rollout for people: in the memo, in the updates' answers, on its page in the Web UI. */
export interface RolloutView {
  readonly service: string;
  readonly id: string;
  readonly attempt: number;
  readonly phase: Phase;
  readonly stages: readonly { readonly name: string; readonly weightBps: number }[];
  readonly stageIndex: number;
  readonly revision: number;
  readonly because: string;
  readonly enteredMs?: number;
  readonly deadlineMs?: number;
  readonly verdict?: StageVerdict;
  readonly before: Before;
}

/** Memo of the `rollout` workflow. */
export interface RolloutMemo {
  readonly rollout: RolloutView;
}

/** What the workflow ends with. */
export interface RolloutResult extends RolloutView {
  readonly log: readonly Transition[];
}

/** Sets a stage's weight, by compare-and-set. */
export interface ApplyRequest extends Who {
  readonly service: string;
  /** Who renews the lease. */
  readonly holder: string;
  readonly weightBps: number;
  readonly allow: readonly string[];
  /** Absent at the end: everybody is in and nobody has to watch. */
  readonly watched?: { readonly stage: string; readonly leaseMs: number; readonly safe: Safe };
  /** What the control state must look like; absent: whatever. */
  readonly mark?: string;
}

/** What an abort leaves. */
export interface Safe {
  readonly weightBps: number;
  readonly allow: readonly string[];
}

export type ApplyAnswer =
  { readonly type: 'applied'; readonly mark: string } | { readonly type: 'changed'; readonly what: string };

export interface WatchRequest {
  readonly service: string;
  /** The rollout's id, holder of the lease. */
  readonly id: string;
  readonly stage: RolloutStage;
  readonly watchers: readonly Watcher[];
  readonly enteredMs: number;
  readonly leaseMs: number;
  /** Only an abort is of interest: it is paused, or waits for something else. */
  readonly guardOnly: boolean;
  /** It has been told that there is nothing to judge by; absent: it has not. */
  readonly blind?: boolean;
  /** The route of each stage's samples, by {@link stageKey}: a job that went elsewhere says nothing of this one. */
  readonly routes: Readonly<Record<string, Route>>;
  readonly deadlineMs?: number;
  /** What the control state must look like; absent: not looked at. */
  readonly mark?: string;
  readonly collected: Collected;
}

export type WatchAnswer =
  | { readonly type: 'changed'; readonly what: string }
  | {
      readonly type: 'progress' | 'passed' | 'failed' | 'deadline';
      readonly collected: Collected;
      readonly verdict: StageVerdict;
    };

export interface RolloutActivities {
  readonly applyStage: (request: ApplyRequest) => Promise<ApplyAnswer>;
  /** Resolves once the safe weight has been read back. */
  readonly applySafe: (request: { readonly service: string; readonly safe: Safe } & Who) => Promise<void>;
  /** Tells the jobs of a rollout that the service has to cancel; resolves with how many there were. */
  readonly cancelRest: (request: { readonly service: string; readonly rollout: string }) => Promise<number>;
  /** Watches until there is something to decide, or news to tell. */
  readonly watchStage: (request: WatchRequest) => Promise<WatchAnswer>;
}

/** What a rollout is sensitive to in a control state, so that budget or deny list may be changed under it. */
export function markOf({
  enabled,
  weightBps,
  stage,
  allow,
}: Pick<ControlState, 'enabled' | 'weightBps' | 'stage' | 'allow'>): string {
  return JSON.stringify([enabled, weightBps, stage ?? null, allow.toSorted()]);
}

/** The value of a job's stage attribute. */
export function stageKey(id: string, stage: RolloutStage): string {
  return `${id}:${stage.name}`;
}

/** The plan's name of a stage, from the value of {@link stageKey}; a value without a rollout's id is a name. */
export function stageName(key: string): string {
  return key.slice(key.indexOf(':') + 1);
}

/** What a state asks for. */
export function applyRequest({ service, plan, before }: RolloutInput, state: RolloutState): ApplyRequest {
  const stage = stageOf(state, plan);
  return {
    service,
    holder: state.id,
    actor: `rollout ${state.id}`,
    reason: state.because.slice(0, 500),
    weightBps: weightOf(state, plan),
    allow: [...new Set([...before.allow, ...stage.allow])].toSorted(),
    ...(leaves(state, plan)
      ? {}
      : { watched: { stage: stageKey(state.id, stage), leaseMs: plan.leaseMs, safe: safeOf(plan, before) } }),
    ...(state.mark === undefined ? {} : { mark: state.mark }),
  };
}

export function safeOf(plan: RolloutPlan, before: Before): Safe {
  return { weightBps: plan.safeWeightBps, allow: before.allow };
}

export function watchRequest({ service, plan }: RolloutInput, state: RolloutState, nowMs: number): WatchRequest {
  const { phase, mark, deadlineMs, blind } = state;
  return {
    service,
    id: state.id,
    stage: stageOf(state, plan),
    watchers: plan.watchers,
    enteredMs: state.enteredMs ?? nowMs,
    leaseMs: plan.leaseMs,
    guardOnly: phase !== 'watching',
    ...(blind === undefined ? {} : { blind }),
    routes: Object.fromEntries(stagesOf(plan).map((stage) => [stageKey(state.id, stage), stage.route])),
    ...(phase === 'paused' || mark === undefined ? {} : { mark }),
    ...(phase === 'paused' || phase === 'frozen' || deadlineMs === undefined ? {} : { deadlineMs }),
    collected: state.collected,
  };
}

export function viewOf({ service, plan, attempt, before }: RolloutInput, state: RolloutState): RolloutView {
  const { id, phase, stageIndex, revision, because, enteredMs, deadlineMs, verdict } = state;
  return {
    service,
    id,
    attempt,
    phase,
    stages: stagesOf(plan).map(({ name, weightBps }) => ({ name, weightBps })),
    stageIndex,
    revision,
    because,
    ...(enteredMs === undefined ? {} : { enteredMs }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(verdict === undefined ? {} : { verdict }),
    before,
  };
}

/** The latest step, as people are told of it. */
export function noticeOf({ service, attempt }: RolloutInput, state: RolloutState): RolloutNotice | undefined {
  const { id, log, verdict } = state;
  const step = log.at(-1);
  if (step === undefined) return undefined;
  const { revision, phase, stage, actor, reason, atMs, weightBps } = step;
  return {
    service,
    rollout: id,
    attempt,
    revision,
    phase,
    stage,
    weightBps,
    actor,
    because: reason,
    atMs,
    ...(verdict === undefined
      ? {}
      : {
          watchers: verdict.watchers.map(({ metric, outcome, because, promote }) => ({
            metric,
            outcome,
            because,
            samples: promote.n,
          })),
        }),
  };
}
