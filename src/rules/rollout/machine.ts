import type { StageVerdict } from '../slo/stage.ts';
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
  /** What the control state must look like; absent when whatever is there may be replaced. */
  readonly mark?: string;
  readonly collected: Collected;
  readonly verdict?: StageVerdict;
  /** The latest last; of a long rollout the latest two hundred. */
  readonly log: readonly Transition[];
}

/** What people may ask for. */
export const COMMANDS = ['approve', 'pause', 'resume', 'promote', 'abort'] as const;
export type RolloutCommand = (typeof COMMANDS)[number];

/** What was seen of a stage. */
export interface Seen {
  readonly collected: Collected;
  readonly verdict: StageVerdict;
}

export type RolloutEvent =
  | ({ readonly type: RolloutCommand } & Who)
  | { readonly type: 'applied'; readonly mark: string }
  | { readonly type: 'changed'; readonly what: string }
  | ({ readonly type: 'progress' | 'passed' | 'failed' | 'deadline' } & Seen)
  | { readonly type: 'thawed' | 'safe' };

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

/** Why a command is of no use now; `undefined` when it may be given. */
export function refuseCommand({ phase }: RolloutState, command: RolloutCommand): string | undefined {
  return FROM[command].includes(phase) ? undefined : `A rollout that is ${phase} cannot take ${command}.`;
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
      return refuseCommand(state, event.type) === undefined ? obey(state, event, plan, nowMs) : state;
    case 'applied':
      return phase === 'applying' ? applied(state, event.mark, plan, nowMs) : state;
    case 'changed':
      return phase === 'applying' || (phase !== 'paused' && WATCHED.includes(phase))
        ? pause(state, plan, { actor: ITSELF, reason: `The control state was changed by hand: ${event.what}` }, nowMs)
        : state;
    case 'thawed':
      return phase === 'frozen' ? advance(state, plan, by('The freeze is over.'), nowMs) : state;
    case 'safe':
      return phase === 'aborting' ? enter(state, plan, 'aborted', by(state.because), nowMs) : state;
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
  event: RolloutEvent & { readonly type: RolloutCommand } & Who,
  plan: RolloutPlan,
  nowMs: number,
): RolloutState {
  const { type, actor, reason } = event;
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
      const { mark: _unimportant, deadlineMs: _passed, ...rest } = state;
      return enter(rest, plan, 'applying', who, nowMs);
    }
    case 'promote':
      return advance(state, plan, who, nowMs);
    case 'abort':
    default:
      return enter(state, plan, 'aborting', who, nowMs);
  }
}

function applied(state: RolloutState, mark: string, plan: RolloutPlan, nowMs: number): RolloutState {
  if (state.stageIndex >= stagesOf(plan).length)
    return enter(state, plan, 'done', by('Every stage has passed.'), nowMs);
  const stage = stageOf(state, plan);
  const { enteredMs = nowMs, deadlineMs = nowMs + stage.deadlineMs } = state;
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
      return wiser;
  }
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
  const { enteredMs: _e, deadlineMs: _d, untilMs: _u, verdict: _v, ...rest } = state;
  const collected = nextStage(state.collected, plan.watchers);
  const told = { ...rest, stageIndex: state.stageIndex + 1, collected };
  const entered = enter(told, plan, 'applying', who, nowMs);
  // What let it pass belongs to the step, not to the new stage.
  return state.verdict === undefined ? entered : withVerdict(entered, state.verdict);
}

function withVerdict(state: RolloutState, verdict: StageVerdict): RolloutState {
  return { ...state, log: state.log.map((step) => (step.revision === state.revision ? { ...step, verdict } : step)) };
}

function pause(state: RolloutState, plan: RolloutPlan, who: Who, nowMs: number): RolloutState {
  // A stage whose weight could not be set is entered all the same, so that what is there is watched.
  return enter({ ...state, enteredMs: state.enteredMs ?? nowMs }, plan, 'paused', who, nowMs);
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
  const step = { atMs, actor, reason, phase, stage, revision, ...(verdict === undefined ? {} : { verdict }) };
  return { ...state, phase, revision, because: reason, log: [...state.log, step].slice(-MOST_TRANSITIONS) };
}

function by(reason: string): Who {
  return { actor: ITSELF, reason };
}
