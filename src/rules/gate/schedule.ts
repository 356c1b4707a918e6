import type { Budget as BudgetLimits } from '../../contracts/control.ts';
import { createAdaptive } from './adaptive.ts';
import type { AdaptiveSnapshot, AdaptiveView } from './adaptive.ts';
import { gateAnswer } from './answer.ts';
import type { GateObservation } from './answer.ts';
import { createAttribution } from './attribution.ts';
import type { AttributionSnapshot, CostOwner } from './attribution.ts';
import { createBreaker, DEFAULT_BREAKER } from './breaker.ts';
import type { BreakerSnapshot, BreakerSpec, BreakerView } from './breaker.ts';
import { createBudget } from './budget.ts';
import type { BudgetAlarm, BudgetSnapshot, BudgetWindowView } from './budget.ts';
import { createPacer } from './pacer.ts';
import type { Earliest, Pacer, PacerSnapshot, PacerStart, RateSpec, RequestId } from './pacer.ts';
import { createPollShare, POLL_SHARE } from './poll-share.ts';
import { createReadFloor } from './read-floor.ts';
import { classOfTurn, SEND_CLASSES, TURNS } from './send-class.ts';
import type { SendClass, Turn } from './send-class.ts';

/** How many wait for each turn; `read` without the polls. */
export type Waiting = Readonly<Record<SendClass, number>> & { readonly poll?: number };

/** What the gate of one service is told. */
export interface GateSpec {
  /** What the service counts over all requests. */
  readonly rate: RateSpec;
  /** Limits of one class on top of it, where the service counts endpoints apart. */
  readonly classes?: Readonly<Partial<Record<SendClass, RateSpec>>>;
  /** Share of the sends reads get while both classes wait, from 0 to 1. @default 0.2 */
  readonly readFloor?: number;
  readonly breaker?: Partial<BreakerSpec>;
  /** Estimated cost of one request in micro-dollars; corrected by {@link GateSchedule.charge}. */
  readonly prices?: Readonly<Record<SendClass, number>>;
  readonly budget?: BudgetLimits;
  /** How much spending a snapshot sets aside: what may be sent in this time. @default 2 s */
  readonly aheadMs?: number;
}

/** What to do next: send who has the turn, or ask again at a time (or, without one, when an answer or acknowledgement came). */
export type Next =
  | { readonly send: Turn }
  | { readonly send?: undefined; readonly retryAtMs: number | undefined; readonly because: string };

/** Everything another process needs to go on. A few kilobytes at most, whatever the cap. */
export interface GateSnapshot {
  readonly pacer: PacerSnapshot;
  readonly classes: Readonly<Partial<Record<SendClass, PacerSnapshot>>>;
  readonly adaptive: AdaptiveSnapshot;
  readonly breaker: BreakerSnapshot;
  readonly budget: BudgetSnapshot;
  readonly costs: AttributionSnapshot;
}

/** For `playbook status`, metrics and the workflow's details. */
export interface GateView {
  /** Why nothing may leave at all; absent while the gate is open. */
  readonly closed?: string;
  readonly rate: AdaptiveView & { readonly windowMs: number };
  /** Requests under way, and those the service's window may still count, those under way included. */
  readonly inFlight: number;
  readonly inWindow: number;
  readonly breaker: BreakerView;
  readonly budget: readonly BudgetWindowView[];
  /** Set while a spent budget keeps submits back. */
  readonly submitsHeld?: string;
  readonly costs: AttributionSnapshot;
}

/** What a gate starts from. After a crash `unseenMs` is the predecessor's lease, after an orderly hand-over 0. */
export type GateStart =
  | 'fresh'
  | 'unknown'
  | {
      readonly snapshot: GateSnapshot;
      readonly unseenMs: number;
    };

/**
 * Decides which request may leave when. Holds no timer and no clock: `nowMs` is epoch milliseconds that never run backwards
 * in one process (fractions are welcome).
 */
export interface GateSchedule {
  readonly next: (nowMs: number, waiting: Waiting) => Next;
  readonly departed: (id: RequestId, turn: Turn, nowMs: number, owner?: CostOwner) => void;
  /** The transmission is over; without an observation nothing was sent. */
  readonly answered: (id: RequestId, observation: GateObservation | undefined, nowMs: number) => void;
  /** Adds to the estimated cost what the service really charged beyond it; may be negative. */
  readonly charge: (micros: number, owner: CostOwner, nowMs: number) => void;
  readonly setBudget: (limits: BudgetLimits, nowMs: number) => void;
  /** Lets nothing pass until {@link open}; what is under way is answered as ever. */
  readonly close: (because: string) => void;
  readonly open: () => void;
  /** To be kept outside this process. Sets spending aside, which {@link acknowledged} makes usable. */
  readonly snapshot: (nowMs: number) => GateSnapshot;
  readonly acknowledged: (snapshot: GateSnapshot) => void;
  /** The last word before an orderly hand-over: nothing may leave after it. */
  readonly finalSnapshot: (nowMs: number) => GateSnapshot;
  /** Budget alarms not told before. */
  readonly takeAlarms: (nowMs: number) => BudgetAlarm[];
  readonly view: (nowMs: number) => GateView;
}

const DEFAULT_READ_FLOOR = 0.2;
const DEFAULT_AHEAD_MS = 2_000;

export function createGateSchedule(spec: GateSpec, nowMs: number, start: GateStart): GateSchedule {
  const kept = typeof start === 'string' ? undefined : start.snapshot;
  const pacerStart = (snapshot: PacerSnapshot | undefined): PacerStart => {
    if (typeof start === 'string') return start;
    return snapshot === undefined ? 'unknown' : { snapshot, unseenMs: start.unseenMs };
  };

  const pacer = createPacer(spec.rate, nowMs, pacerStart(kept?.pacer));
  const classPacers: Partial<Record<SendClass, Pacer>> = {};
  for (const kind of SEND_CLASSES) {
    const rate = spec.classes?.[kind];
    if (rate !== undefined) classPacers[kind] = createPacer(rate, nowMs, pacerStart(kept?.classes[kind]));
  }
  const adaptive = createAdaptive(spec.rate, pacer, kept?.adaptive);
  const breaker = createBreaker({ ...DEFAULT_BREAKER, ...spec.breaker }, kept?.breaker);
  const budget = createBudget(spec.budget ?? {}, kept?.budget);
  const costs = createAttribution(kept?.costs);
  const floor = createReadFloor(spec.readFloor ?? DEFAULT_READ_FLOOR);
  const polls = createPollShare(POLL_SHARE);
  const prices = spec.prices ?? { submit: 0, read: 0 };
  const flights = new Map<RequestId, { readonly kind: SendClass; readonly owner: CostOwner }>();
  let closed: string | undefined;

  const spend = (micros: number, owner: CostOwner, atMs: number) => {
    budget.spend(micros, atMs);
    costs.add(owner, micros, atMs);
  };

  /** Why no submit may leave for money's sake, and until when. */
  const unpaid = (atMs: number): Wait | undefined => {
    const refusal = budget.refusal(prices.submit, atMs);
    if (refusal === undefined) return undefined;
    if (refusal.why === 'not-set-aside') return { atMs: undefined, because: 'Waiting for spending to be set aside.' };
    const { window, spentMicros, limitMicros = 0, turnsAtMs } = refusal.window;
    return {
      atMs: turnsAtMs,
      because: `The ${window} budget is spent (${usd(spentMicros)} of ${usd(limitMicros)}): submits wait until ${new Date(turnsAtMs).toISOString()} or until it is raised.`,
    };
  };

  /** What keeps a class of its own back. */
  const classWait = (kind: SendClass, atMs: number): Wait | undefined => {
    const money = kind === 'submit' ? unpaid(atMs) : undefined;
    if (money !== undefined) return money;
    const earliest = classPacers[kind]?.earliest(atMs) ?? atMs;
    return waitUntil(earliest, atMs, `The limit of ${kind} requests is used up.`);
  };

  /** What keeps a turn of its own back. */
  const turnWait = (turn: Turn, atMs: number): Wait | undefined => {
    const wait = classWait(classOfTurn(turn), atMs);
    if (wait !== undefined || turn !== 'poll') return wait;
    const rate = { limit: adaptive.view(atMs).limit, windowMs: spec.rate.windowMs };
    return waitUntil(polls.earliest(atMs, rate), atMs, 'Polls have used their share of the limit.');
  };

  /** What keeps everything back. */
  const sharedWait = (atMs: number): Wait | undefined => {
    if (closed !== undefined) return { atMs: undefined, because: closed };
    const gate = breaker.gate(atMs);
    if (typeof gate === 'object')
      return { atMs: gate.retryAtMs, because: `The breaker is open. ${breaker.view().reason}` };
    const { reason, frozenUntilMs } = adaptive.view(atMs);
    const why = frozenUntilMs === undefined ? reason : 'The service asked everybody to wait.';
    return waitUntil(adaptive.earliest(atMs), atMs, why) ?? waitUntil(pacer.earliest(atMs), atMs, reason);
  };

  const snapshotWith = (budgetSnapshot: BudgetSnapshot, atMs: number): GateSnapshot => ({
    pacer: pacer.snapshot(atMs),
    classes: Object.fromEntries(Object.entries(classPacers).map(([kind, each]) => [kind, each.snapshot(atMs)])),
    adaptive: adaptive.snapshot(atMs),
    breaker: breaker.snapshot(),
    budget: budgetSnapshot,
    costs: costs.snapshot(atMs),
  });

  return {
    next: (atMs, waiting) => {
      const wanted = TURNS.filter((turn) => (waiting[turn] ?? 0) > 0);
      if (wanted.length === 0) return { retryAtMs: undefined, because: 'Nothing waits.' };
      const shared = sharedWait(atMs);
      if (shared !== undefined) return asNext([shared]);
      const waits = wanted.map((turn) => ({ turn, wait: turnWait(turn, atMs) }));
      const free = waits.filter(({ wait }) => wait === undefined).map(({ turn }) => turn);
      const [first] = free;
      if (first === undefined) return asNext(waits.flatMap(({ wait }) => wait ?? []));
      const read = free.find((turn) => classOfTurn(turn) === 'read');
      if (first !== 'submit' || read === undefined) return { send: first };
      return { send: breaker.gate(atMs) === 'probe' || floor.choose() === 'read' ? read : 'submit' };
    },
    departed: (id, turn, atMs, owner = {}) => {
      const kind = classOfTurn(turn);
      flights.set(id, { kind, owner });
      if (turn === 'poll') polls.departed(atMs);
      pacer.departed(id, atMs);
      classPacers[kind]?.departed(id, atMs);
      adaptive.departed(id, atMs);
      breaker.departed(id, atMs);
      floor.sent(kind);
      spend(prices[kind], owner, atMs);
    },
    answered: (id, observation, atMs) => {
      const flight = flights.get(id);
      if (flight === undefined) return;
      flights.delete(id);
      const { kind, owner } = flight;
      if (observation === undefined) {
        pacer.withheld(id);
        classPacers[kind]?.withheld(id);
        adaptive.withheld(id);
        breaker.withheld(id, atMs);
        spend(-prices[kind], owner, atMs);
        return;
      }
      const answer = gateAnswer(observation);
      const books = pacer.answered(id, atMs, answer.kind === 'accepted');
      classPacers[kind]?.answered(id, atMs, answer.kind === 'accepted');
      adaptive.answered(id, answer, books, atMs);
      breaker.answered(id, answer.kind === 'down' ? 'down' : 'up', atMs);
    },
    charge: spend,
    setBudget: (limits, atMs) => budget.setLimits(limits, atMs),
    close: (because) => {
      closed = because;
    },
    open: () => {
      closed = undefined;
    },
    snapshot: (atMs) => {
      const aheadMs = spec.aheadMs ?? DEFAULT_AHEAD_MS;
      const sends = Math.ceil((spec.rate.cap * aheadMs) / spec.rate.windowMs) + (spec.rate.burst ?? 1);
      return snapshotWith(budget.reserveAhead(sends * Math.max(prices.submit, prices.read, 1), atMs), atMs);
    },
    acknowledged: (snapshot) => budget.acknowledged(snapshot.budget.seq),
    finalSnapshot: (atMs) => snapshotWith(budget.final(atMs), atMs),
    takeAlarms: (atMs) => budget.takeAlarms(atMs),
    view: (atMs) => {
      const money = unpaid(atMs);
      return {
        ...(closed === undefined ? {} : { closed }),
        rate: { ...adaptive.view(atMs), windowMs: spec.rate.windowMs },
        inFlight: pacer.inFlight(),
        inWindow: pacer.occupied(atMs),
        breaker: breaker.view(),
        budget: budget.view(atMs),
        ...(money?.atMs === undefined ? {} : { submitsHeld: money.because }),
        costs: costs.snapshot(atMs),
      };
    },
  };
}

/** Something that keeps requests back, and until when; undefined: until something happens. */
interface Wait {
  readonly atMs: number | undefined;
  readonly because: string;
}

function waitUntil(earliest: Earliest, nowMs: number, because: string): Wait | undefined {
  if (earliest === 'after-answer') return { atMs: undefined, because };
  return earliest > nowMs ? { atMs: earliest, because } : undefined;
}

/** The wait that ends first. */
function asNext(waits: readonly Wait[]): Next {
  const first = waits.reduce((a, b) => ((b.atMs ?? Infinity) < (a.atMs ?? Infinity) ? b : a));
  return { retryAtMs: first.atMs, because: first.because };
}

function usd(micros: number): string {
  return `$${(micros / 1_000_000).toFixed(micros % 10_000 === 0 ? 2 : 4)}`;
}
