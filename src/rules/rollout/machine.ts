import { percent } from '../slo/say.ts';
import type { StageVerdict } from '../slo/stage.ts';
import { isBlind } from '../slo/stage.ts';
import type { Collected } from './collect.ts';
import { nextStage, nothingCollected } from './collect.ts';
import { frozenUntil } from './freeze.ts';
import type { RolloutPlan, RolloutStage } from './plan.ts';
import { stagesOf } from './plan.ts';

/** Where a rollout stands. It is over when `done` or `aborted`. */
export type Phase =
  'applying' | 'watching' | 'awaiting-approval' | 'paused' | 'frozen' | 'aborting' | 'done' | 'aborted';

/** Who and why. */
export interface Who {
  readonly actor: string;
  readonly reason: string;
}

/** One step of a rollout's story. */
export interface Transition extends Who {
  readonly atMs: number;
  readonly phase: Phase;
  readonly stage: string;
  /** Counts from 1. */
  readonly revision: number;
  /** The weight in force, or being set, in ten-thousandths. */
  readonly weightBps: number;
  /** What was known when it happened. */
  readonly verdict?: StageVerdict;
}

/** All a rollout is. Plain data: it is carried from one run of its workflow to the next. */
export interface RolloutState {
  readonly id: string;
  readonly phase: Phase;
  /** The stage in force or being applied; as many as there are stages once all have passed. */
  readonly stageIndex: number;
  /** Counts transitions: what updates expect. */
  readonly revision: number;
  /** Why it stands where it stands, in one sentence. */
  readonly because: string;
  /** When the stage began; absent until its weight is set. */
  readonly enteredMs?: number;
  readonly deadlineMs?: number;
  /** End of a freeze. */
  readonly untilMs?: number;
  /** The stage somebody has approved. */
  readonly approved?: number;
  /** A weight somebody set in place of the stage's own, never above it. */
  readonly weightBps?: number;
  /** It has been told that there is nothing to judge by. */
  readonly blind?: boolean;
  /** What the control state must look like; absent when whatever is there may be replaced. */
  readonly mark?: string;
  readonly collected: Collected;
  readonly verdict?: StageVerdict;
  /** The latest last; of a long rollout the latest two hundred. */
  readonly log: readonly Transition[];
}

/** What people may ask for. */
export const COMMANDS = ['approve', 'pause', 'resume', 'promote', 'abort', 'setWeight'] as const;
export type RolloutCommand = (typeof COMMANDS)[number];
/** What a command needs beside who and why. */
export interface CommandArguments {
  /** Of `setWeight`, in ten-thousandths. */
  readonly weightBps?: number;
}

/** What was seen of a stage. */
export interface Seen {
  readonly collected: Collected;
  readonly verdict: StageVerdict;
}

export type RolloutEvent =
  | ({ readonly type: RolloutCommand } & CommandArguments & Who)
  | { readonly type: 'applied'; readonly mark: string }
  | { readonly type: 'changed'; readonly what: string }
  | ({ readonly type: 'progress' | 'passed' | 'failed' | 'deadline' } & Seen)
  | { readonly type: 'thawed' }
  /** `canceled`: how many jobs were told to cancel, where the plan says so. */
  | { readonly type: 'safe'; readonly canceled?: number };

const MOST_TRANSITIONS = 200;
const ITSELF = 'playbook';
const OVER: readonly Phase[] = ['done', 'aborted'];
/** Phases in which a stage's weight is in force and its watchers are up. */
const WATCHED: readonly Phase[] = ['watching', 'awaiting-approval', 'paused', 'frozen'];
const FROM: Readonly<Record<RolloutCommand, readonly Phase[]>> = {
  approve: ['watching', 'awaiting-approval'],
  pause: ['watching', 'awaiting-approval', 'frozen'],
  resume: ['paused'],
  promote: WATCHED,
  abort: ['applying', ...WATCHED],
  setWeight: WATCHED,
};

export function isOver({ phase }: Pick<RolloutState, 'phase'>): boolean {
  return OVER.includes(phase);
}

/** A rollout before its first stage. */
export function begin(id: string, plan: RolloutPlan, mark: string, who: Who, nowMs: number): RolloutState {
  const state: RolloutState = {
    id,
    phase: 'applying',
    stageIndex: 0,
    revision: 0,
    because: '',
    mark,
    collected: nothingCollected(plan.watchers),
    log: [],
  };
  return enter(state, plan, 'applying', who, nowMs);
}

/** Why a command may not be given now; `undefined` when it may. */
export function refuseCommand(
  state: RolloutState,
  command: RolloutCommand,
  plan: RolloutPlan,
  { weightBps }: CommandArguments = {},
): string | undefined {
  const { phase } = state;
  if (!FROM[command].includes(phase)) return `A rollout that is ${phase} cannot take ${command}.`;
  if (command !== 'setWeight') return undefined;
  const { name, weightBps: most } = stageOf(state, plan);
  const fits = weightBps !== undefined && Number.isInteger(weightBps) && weightBps >= 0 && weightBps <= most;
  return fits
    ? undefined
    : `The weight must be a whole number from 0 to ${most}, that of stage ${name} (got ${weightBps}). To rise, promote.`;
}

/** The stage a state is about; the last one once all have passed. */
export function stageOf({ stageIndex }: Pick<RolloutState, 'stageIndex'>, plan: RolloutPlan): RolloutStage {
  const stages = stagesOf(plan);
  const stage = stages[Math.min(stageIndex, stages.length - 1)];
  if (stage === undefined) throw new RangeError('a plan has at least one stage');
  return stage;
}

/**
 * The state after an event. An event that does not concern the phase leaves the very same state: answers may come late.
 * The weight rises only by `passed`, and by `promote`, `approve` and `resume` of a person.
 */
export function transition(state: RolloutState, event: RolloutEvent, plan: RolloutPlan, nowMs: number): RolloutState {
  const { phase } = state;
  switch (event.type) {
    case 'approve':
    case 'pause':
    case 'resume':
    case 'promote':
    case 'abort':
    case 'setWeight':
      return refuseCommand(state, event.type, plan, event) === undefined ? obey(state, event, plan, nowMs) : state;
    case 'applied':
      return phase === 'applying' ? applied(state, event.mark, plan, nowMs) : state;
    case 'changed':
      return phase === 'applying' || (phase !== 'paused' && WATCHED.includes(phase))
        ? pause(state, plan, { actor: ITSELF, reason: `The control state was changed by hand: ${event.what}` }, nowMs)
        : state;
    case 'thawed':
      return phase === 'frozen' ? advance(state, plan, by('The freeze is over.'), nowMs) : state;
    case 'safe':
      return phase === 'aborting' ? enter(state, plan, 'aborted', by(endOf(state, event.canceled)), nowMs) : state;
    case 'progress':
    case 'passed':
    case 'failed':
    case 'deadline':
    default:
      return WATCHED.includes(phase) ? learn(state, event, plan, nowMs) : state;
  }
}

function obey(
  state: RolloutState,
  event: RolloutEvent & { readonly type: RolloutCommand } & CommandArguments & Who,
  plan: RolloutPlan,
  nowMs: number,
): RolloutState {
  const { type, actor, reason, weightBps } = event;
  const who = { actor, reason };
  switch (type) {
    case 'approve': {
      const approved = { ...state, approved: state.stageIndex };
      return state.phase === 'watching'
        ? enter(approved, plan, 'watching', who, nowMs)
        : proceed(approved, plan, who, nowMs);
    }
    case 'pause':
      return enter(state, plan, 'paused', who, nowMs);
    case 'resume': {
      const { mark: _unimportant, deadlineMs: _passed, weightBps: _own, ...rest } = state;
      return enter(rest, plan, 'applying', who, nowMs);
    }
    case 'setWeight': {
      const { mark: _unimportant, ...rest } = state;
      return enter({ ...rest, ...(weightBps === undefined ? {} : { weightBps }) }, plan, 'applying', who, nowMs);
    }
    case 'promote':
      return advance(state, plan, who, nowMs);
    case 'abort':
    default:
      return enter(state, plan, 'aborting', who, nowMs);
  }
}

/** Whether nothing is left but to leave the last weight to itself. One that a person set meanwhile is held, and watched, first. */
export function leaves({ stageIndex, weightBps }: RolloutState, plan: RolloutPlan): boolean {
  return stageIndex >= stagesOf(plan).length && weightBps === undefined;
}

function applied(state: RolloutState, mark: string, plan: RolloutPlan, nowMs: number): RolloutState {
  if (leaves(state, plan)) return enter(state, plan, 'done', by('Every stage has passed.'), nowMs);
  const stage = stageOf(state, plan);
  const { enteredMs = nowMs, deadlineMs = nowMs + stage.deadlineMs, weightBps } = state;
  if (weightBps !== undefined) {
    const reason = `Held at ${percent(weightBps / 10_000)} of units: ${state.because}`;
    return enter({ ...state, mark, enteredMs }, plan, 'paused', by(reason), nowMs);
  }
  return enter({ ...state, mark, enteredMs, deadlineMs }, plan, 'watching', by('Its weight is set.'), nowMs);
}

function learn(state: RolloutState, event: RolloutEvent & Seen, plan: RolloutPlan, nowMs: number): RolloutState {
  const { collected, verdict } = event;
  const wiser = { ...state, collected, verdict };
  const who = by(verdict.because);
  switch (event.type) {
    case 'failed':
      return enter(wiser, plan, 'aborting', who, nowMs);
    case 'passed':
      return state.phase === 'watching' ? passed(wiser, plan, who, nowMs) : wiser;
    case 'deadline': {
      if (state.phase !== 'watching' && state.phase !== 'awaiting-approval') return wiser;
      const reason = `The stage's deadline has passed. ${verdict.because}`;
      const abort = stageOf(state, plan).onDeadline === 'abort';
      return enter(wiser, plan, abort ? 'aborting' : 'paused', by(reason), nowMs);
    }
    default:
      return told(wiser, plan, nowMs);
  }
}

/** Says it once when there is nothing to judge by any more, and once when there is again. */
function told(state: RolloutState, plan: RolloutPlan, nowMs: number): RolloutState {
  const { verdict, blind = false, phase } = state;
  if (verdict === undefined || isBlind(verdict) === blind || phase === 'paused' || phase === 'frozen') return state;
  const reason = blind ? `There are samples again. ${verdict.because}` : verdict.because;
  return enter({ ...state, blind: !blind }, plan, phase, by(reason), nowMs);
}

function passed(state: RolloutState, plan: RolloutPlan, who: Who, nowMs: number): RolloutState {
  const waits = stageOf(state, plan).approval && state.approved !== state.stageIndex;
  return waits ? enter(state, plan, 'awaiting-approval', who, nowMs) : proceed(state, plan, who, nowMs);
}

/** On to the next stage, unless no stage may begin now. The last stage's end begins none. */
function proceed(state: RolloutState, plan: RolloutPlan, who: Who, nowMs: number): RolloutState {
  const untilMs = state.stageIndex + 1 < stagesOf(plan).length ? frozenUntil(plan.freeze, nowMs) : undefined;
  return untilMs === undefined
    ? advance(state, plan, who, nowMs)
    : enter({ ...state, untilMs }, plan, 'frozen', who, nowMs);
}

function advance(state: RolloutState, plan: RolloutPlan, who: Who, nowMs: number): RolloutState {
  const { enteredMs: _e, deadlineMs: _d, untilMs: _u, verdict: _v, weightBps: _w, blind: _b, ...rest } = state;
  const collected = nextStage(state.collected, plan.watchers);
  const next = { ...rest, stageIndex: state.stageIndex + 1, collected };
  const entered = enter(next, plan, 'applying', who, nowMs);
  // What let it pass belongs to the step, not to the new stage.
  return state.verdict === undefined ? entered : withVerdict(entered, state.verdict);
}

function withVerdict(state: RolloutState, verdict: StageVerdict): RolloutState {
  return { ...state, log: state.log.map((step) => (step.revision === state.revision ? { ...step, verdict } : step)) };
}

function pause(state: RolloutState, plan: RolloutPlan, who: Who, nowMs: number): RolloutState {
  const { weightBps: _notSet, ...rest } = state;
  // A stage whose weight could not be set is entered all the same, so that what is there is watched.
  return enter({ ...rest, enteredMs: state.enteredMs ?? nowMs }, plan, 'paused', who, nowMs);
}

function enter(
  state: RolloutState,
  plan: RolloutPlan,
  phase: Phase,
  { actor, reason }: Who,
  atMs: number,
): RolloutState {
  const revision = state.revision + 1;
  const stage = stageOf(state, plan).name;
  const { verdict } = state;
  const weightBps = weightOf({ ...state, phase }, plan);
  const step = {
    atMs,
    actor,
    reason,
    phase,
    stage,
    revision,
    weightBps,
    ...(verdict === undefined ? {} : { verdict }),
  };
  return { ...state, phase, revision, because: reason, log: [...state.log, step].slice(-MOST_TRANSITIONS) };
}

/** The weight in force, or being set, in ten-thousandths. */
export function weightOf(state: Pick<RolloutState, 'phase' | 'stageIndex' | 'weightBps'>, plan: RolloutPlan): number {
  const { phase, weightBps } = state;
  if (phase === 'aborting' || phase === 'aborted') return plan.safeWeightBps;
  return weightBps ?? stageOf(state, plan).weightBps;
}

function endOf({ because }: RolloutState, canceled: number | undefined): string {
  if (canceled === undefined) return because;
  return `${because} ${canceled === 1 ? '1 job was' : `${canceled} jobs were`} told to cancel.`;
}

function by(reason: string): Who {
  return { actor: ITSELF, reason };
}
