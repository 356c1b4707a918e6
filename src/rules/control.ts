import type { ErrorCode } from '../contracts/errors.ts';
import type { Budget, ControlChanges, ControlState, ControlUpdate, LeaseRenewal } from '../contracts/control.ts';

const MAX_UNITS = 1_000;
const MAX_TEXT = 500;
/** Units named in the words for a change. */
const MAX_NAMED = 10;
const UNCHANGED = 'as it was';

/** Why a change is refused. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Judges a change before it is accepted; `undefined`: it may be applied. */
export function refusal<U extends ControlUpdate>(
  state: ControlState,
  update: U,
  change: ControlChanges[U],
): Refusal | undefined {
  const { actor, reason, expectedRevision } = change;
  for (const [name, text] of Object.entries({ actor, reason })) {
    if (typeof text !== 'string' || text.trim() === '' || text.length > MAX_TEXT) {
      return invalid(`${name} must be a text of 1 to ${MAX_TEXT} characters`);
    }
  }
  if (expectedRevision !== undefined && expectedRevision !== state.revision) {
    return {
      code: 'STALE_REVISION',
      message: `The change expects revision ${expectedRevision}; the control state is at ${state.revision}. Read it again, then decide.`,
    };
  }
  const problem = problemOf(update, change);
  return problem === undefined ? undefined : invalid(problem);
}

function problemOf(update: ControlUpdate, change: ControlChanges[ControlUpdate]): string | undefined {
  if (update === 'setWeight') {
    const { weightBps, allow, lease } = change as ControlChanges['setWeight'];
    return (
      weightProblem('weightBps', weightBps) ??
      (lease === undefined ? undefined : weightProblem('lease.safeWeightBps', lease.safeWeightBps)) ??
      unitsProblem('allow', allow ?? []) ??
      unitsProblem('lease.safeAllow', lease?.safeAllow ?? [])
    );
  }
  if (update === 'setBudget') {
    const bad = Object.entries((change as ControlChanges['setBudget']).budget).find(
      ([, micros]) => micros !== undefined && (!Number.isSafeInteger(micros) || micros < 0),
    );
    return bad === undefined
      ? undefined
      : `budget.${bad[0]} must be a whole number of micro-dollars, 0 or more (got ${bad[1]})`;
  }
  if (update === 'allow' || update === 'deny') {
    return unitsProblem('units', (change as ControlChanges['allow']).units);
  }
  return undefined;
}

function weightProblem(name: string, bps: number): string | undefined {
  const fits = Number.isInteger(bps) && bps >= 0 && bps <= 10_000;
  return fits ? undefined : `${name} must be a whole number from 0 to 10000 (got ${bps})`;
}

function unitsProblem(name: string, units: unknown): string | undefined {
  const fits =
    Array.isArray(units) &&
    units.length <= MAX_UNITS &&
    units.every((unit) => typeof unit === 'string' && unit !== '' && unit.length <= 200);
  return fits ? undefined : `${name} must be a list of at most ${MAX_UNITS} names of 1 to 200 characters`;
}

function invalid(message: string): Refusal {
  return { code: 'INVALID_CHANGE', message: `${message}.` };
}

/** The state after a change that was not refused. */
export function changed<U extends ControlUpdate>(
  state: ControlState,
  update: U,
  change: ControlChanges[U],
  nowMs: number,
): ControlState {
  const { next, what } = effect(state, update, change);
  const { actor, reason } = change;
  return { ...next, revision: state.revision + 1, changed: { actor, reason, atMs: nowMs, what } };
}

/** The state with its lease renewed; the same one when there is nothing to renew. */
export function renewed(state: ControlState, { holder, untilMs }: LeaseRenewal): ControlState {
  const { lease } = state;
  if (lease === undefined || lease.holder !== holder || lease.untilMs >= untilMs) return state;
  return { ...state, lease: { ...lease, untilMs } };
}

/** The state once nobody watches its weight any more: the safe weight. Without a lease it stays as it is. */
export function fallen(state: ControlState, nowMs: number): ControlState {
  const { lease } = state;
  if (lease === undefined) return state;
  const { holder, untilMs, safeWeightBps: weightBps, safeAllow: allow } = lease;
  const reason = `${holder} has not renewed its lease, which ran out at ${new Date(untilMs).toISOString()}`;
  return changed(state, 'setWeight', { actor: 'playbook', reason, weightBps, allow }, nowMs);
}

function effect(
  state: ControlState,
  update: ControlUpdate,
  change: ControlChanges[ControlUpdate],
): { readonly next: ControlState; readonly what: string } {
  switch (update) {
    case 'enable':
      return { next: { ...state, enabled: true }, what: 'enabled' };
    case 'disable':
      return { next: { ...state, enabled: false }, what: 'disabled' };
    case 'setWeight': {
      const { weightBps, stage, lease, enabled = state.enabled, allow } = change as ControlChanges['setWeight'];
      const { stage: _earlier, lease: _ended, ...rest } = state;
      const list = allow === undefined ? state.allow : [...new Set(allow)].toSorted();
      const next = {
        ...rest,
        enabled,
        allow: list,
        weightBps,
        ...(stage === undefined ? {} : { stage }),
        ...(lease === undefined ? {} : { lease }),
      };
      const listed = listChange(state.allow, list);
      const what = [
        `weight ${weightBps / 100} %${stage === undefined ? '' : ` (stage ${stage})`}`,
        ...(enabled === state.enabled ? [] : [enabled ? 'enabled' : 'disabled']),
        ...(listed === UNCHANGED ? [] : [`allow list ${listed}`]),
      ];
      return { next, what: what.join(', ') };
    }
    case 'setBudget': {
      const { budget } = change as ControlChanges['setBudget'];
      return { next: { ...state, budget }, what: `budget ${describeBudget(budget)}` };
    }
    case 'allow':
    case 'deny':
    default: {
      const { units } = change as ControlChanges['allow'];
      const list = [...new Set(units)].toSorted();
      return { next: { ...state, [update]: list }, what: `${update} list ${listChange(state[update], list)}` };
    }
  }
}

/** What was added (+) and removed (-), by name as far as there is room. */
function listChange(before: readonly string[], after: readonly string[]): string {
  const changes = [
    ...after.filter((unit) => !before.includes(unit)).map((unit) => `+${unit}`),
    ...before.filter((unit) => !after.includes(unit)).map((unit) => `-${unit}`),
  ];
  if (changes.length === 0) return UNCHANGED;
  const more = changes.length - MAX_NAMED;
  return `${changes.slice(0, MAX_NAMED).join(' ')}${more > 0 ? ` and ${more} more` : ''} (now ${after.length})`;
}

/** A budget in words. */
export function describeBudget({ hourlyMicros, dailyMicros }: Budget): string {
  const parts = [
    ...(hourlyMicros === undefined ? [] : [`$${hourlyMicros / 1_000_000} an hour`]),
    ...(dailyMicros === undefined ? [] : [`$${dailyMicros / 1_000_000} a day`]),
  ];
  return parts.length === 0 ? 'none' : parts.join(', ');
}
