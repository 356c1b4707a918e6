import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import type { GateView, Waiting } from '../../rules/gate/schedule.ts';
import { TURNS } from '../../rules/gate/send-class.ts';
import type { LaneLabels } from './requests.ts';

/** What a holder shows of its gate at one moment. */
export interface GateReading {
  readonly view: GateView;
  readonly waiting: Waiting;
  readonly inFlight: number;
  /** What is known of the service's clock; positive: it is ahead. */
  readonly skewMs: number | undefined;
}

const BREAKER = { closed: 0, 'half-open': 0.5, open: 1 } as const;
const WINDOWS = ['hourly', 'daily'] as const;

/** Shows the state of a gate; `undefined` once this process holds it no more, so that no stale value stays behind. */
export function recordGate(metrics: MetricRecorder, lane: LaneLabels, reading: GateReading | undefined, nowMs: number) {
  const view = reading?.view;
  const perSecond = view === undefined ? undefined : 1_000 / view.rate.windowMs;
  const rate = (requests: number | undefined): number | undefined =>
    requests === undefined || perSecond === undefined ? undefined : requests * perSecond;
  metrics.set('playbook_gate_held', lane, reading === undefined ? 0 : 1);
  metrics.set('playbook_gate_limit_per_second', lane, rate(view?.rate.limit));
  metrics.set('playbook_gate_cap_per_second', lane, rate(view?.rate.cap));
  metrics.set('playbook_gate_frozen', lane, view && ((view.rate.frozenUntilMs ?? 0) > nowMs ? 1 : 0));
  metrics.set('playbook_gate_in_flight', lane, reading?.inFlight);
  for (const turn of TURNS) {
    metrics.set('playbook_gate_waiting', { ...lane, class: turn }, reading && (reading.waiting[turn] ?? 0));
  }
  metrics.set('playbook_breaker_open', lane, view && BREAKER[view.breaker.state]);
  for (const window of WINDOWS) {
    const budget = view?.budget.find((each) => each.window === window);
    metrics.set('playbook_budget_spent_micros', { ...lane, window }, budget && Math.max(0, budget.spentMicros));
    metrics.set('playbook_budget_limit_micros', { ...lane, window }, budget?.limitMicros);
  }
  const skewMs = reading?.skewMs;
  for (const [direction, sign] of [['ahead', 1] as const, ['behind', -1] as const]) {
    const seconds = skewMs === undefined ? undefined : Math.max(0, (skewMs * sign) / 1000);
    metrics.set('playbook_clock_skew_seconds', { ...lane, direction }, seconds);
  }
}
