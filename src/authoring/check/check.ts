import { isOpen } from '../gaps.ts';
import { dateIn } from '../timeline.ts';
import { DONE } from './done.ts';
import type { Facts, Line, List } from './facts.ts';
import { READY } from './ready.ts';
import { SECURITY } from './security.ts';

/** What is asked for: before coding, or before anybody depends on it. Done includes ready and the security checklist. */
export type Goal = 'ready' | 'done';

export interface CheckedLine extends Pick<Line, 'id' | 'list' | 'what'> {
  readonly passed: boolean;
  readonly problems: readonly string[];
}

export interface CheckResult {
  readonly service: string;
  readonly goal: Goal;
  readonly passed: boolean;
  readonly lines: readonly CheckedLine[];
  /** The guide's business metrics: dates as `YYYY-MM-DD`. */
  readonly startedOn: string | undefined;
  readonly doneOn: string | undefined;
  /** From scaffold to done, or until today. */
  readonly days: number | undefined;
  readonly openGaps: number;
}

const LISTS: Readonly<Record<Goal, readonly List[]>> = { ready: ['ready'], done: ['ready', 'done', 'security'] };
const LINES: readonly Line[] = [...READY, ...DONE, ...SECURITY];
const DAY_MS = 86_400_000;

/**
 * Decides every line of a goal by the facts.
 * @param nowMs epoch milliseconds
 */
export function check(facts: Facts, goal: Goal, nowMs: number): CheckResult {
  const lines = LINES.filter(({ list }) => LISTS[goal].includes(list)).map(({ id, list, what, look }) => {
    const problems = [...new Set(look(facts))];
    return { id, list, what, problems, passed: problems.length === 0 };
  });
  const scope = facts.documents.get('00-scope.md');
  const [startedOn, doneOn] = [dateIn(scope, 'Started'), dateIn(scope, 'Done')];
  const endMs = doneOn === undefined ? nowMs : Date.parse(doneOn);
  return {
    service: facts.service,
    goal,
    passed: lines.every(({ passed }) => passed),
    lines,
    startedOn,
    doneOn,
    days: startedOn === undefined ? undefined : Math.max(0, Math.floor((endMs - Date.parse(startedOn)) / DAY_MS)),
    openGaps: 'value' in facts.gaps ? facts.gaps.value.filter(isOpen).length : 0,
  };
}
