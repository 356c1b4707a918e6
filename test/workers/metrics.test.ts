import { describe, expect, it } from '@jest/globals';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import type { GateView } from '../../src/rules/gate/schedule.ts';
import { createControlMetrics } from '../../src/workers/metrics/control.ts';
import { statusClass } from '../../src/workers/metrics/requests.ts';
import { createTermMetrics } from '../../src/workers/metrics/term.ts';
import { startControlWatch } from '../../src/workers/metrics/watch.ts';
import { recordedMetrics } from '../helpers/recorded-metrics.ts';
import { until } from '../helpers/until.ts';

describe('a status', () => {
  it.each([
    [undefined, 'none'],
    [200, '2xx'],
    [302, '3xx'],
    [429, '429'],
    [404, '4xx'],
    [503, '5xx'],
    [999, '5xx'],
  ])('%s is %s', (status, expected) => expect(statusClass(status)).toBe(expected));
});

const lane = { service: 'docproc', route: 'live' } as const;
const view: GateView = {
  rate: { limit: 4, cap: 8, phase: 'holding', reason: 'it refused', windowMs: 500, frozenUntilMs: 2_000 },
  inFlight: 1,
  inWindow: 2,
  breaker: { state: 'half-open', reason: 'a probe' },
  budget: [{ window: 'hourly', spentMicros: 30, limitMicros: 100, turnsAtMs: 3_600_000 }],
  costs: {} as GateView['costs'],
};

describe('a term at the gate', () => {
  it('shows the gate every second and the jobs every quarter of a minute; at its end nothing stale is left', async () => {
    const { metrics, values } = recordedMetrics();
    let now = 1_000;
    let reads = 0;
    const term = createTermMetrics({
      metrics,
      lane,
      read: () => {
        reads += 1;
        return { view, waiting: { submit: 5, read: 2 }, inFlight: 1, skewMs: -1_500 };
      },
      readOpenJobs: async () => ({ created: 7, processing: 3, oldestProcessingMs: 60_000 }),
      nowMs: () => now,
    });
    term.tick();
    now += 999;
    term.tick();
    expect(reads).toBe(1);
    await until('the jobs are counted', () => values.has('playbook_oldest_processing_seconds{docproc}'));
    expect(Object.fromEntries(values)).toEqual({
      'playbook_gate_held{docproc,live}': 1,
      'playbook_gate_limit_per_second{docproc,live}': 8,
      'playbook_gate_cap_per_second{docproc,live}': 16,
      'playbook_gate_frozen{docproc,live}': 1,
      'playbook_gate_in_flight{docproc,live}': 1,
      'playbook_gate_waiting{docproc,live,submit}': 5,
      'playbook_gate_waiting{docproc,live,read}': 2,
      'playbook_gate_waiting{docproc,live,poll}': 0,
      'playbook_breaker_open{docproc,live}': 0.5,
      'playbook_budget_spent_micros{docproc,live,hourly}': 30,
      'playbook_budget_limit_micros{docproc,live,hourly}': 100,
      'playbook_budget_spent_micros{docproc,live,daily}': Number.NaN,
      'playbook_budget_limit_micros{docproc,live,daily}': Number.NaN,
      'playbook_clock_skew_seconds{docproc,live,ahead}': 0,
      'playbook_clock_skew_seconds{docproc,live,behind}': 1.5,
      'playbook_jobs_open{docproc,CREATED}': 7,
      'playbook_jobs_open{docproc,PROCESSING}': 3,
      'playbook_oldest_processing_seconds{docproc}': 60,
    });
    term.end();
    const left = [...values].filter(([, value]) => !Number.isNaN(value));
    expect(left).toEqual([['playbook_gate_held{docproc,live}', 0]]);
  });

  it('counts what is paid, and how long requests waited', () => {
    const { metrics, values } = recordedMetrics();
    const read = () => ({ view, waiting: { submit: 0, read: 0 }, inFlight: 0, skewMs: undefined });
    const term = createTermMetrics({ metrics, lane, read, readOpenJobs: undefined, nowMs: () => 0 });
    term.paid('submit', 10_000);
    term.paid('submit', 10_000);
    term.paid('poll', 0);
    term.waited('submit', 250, true);
    term.waited('read', 3_000, false);
    expect(Object.fromEntries(values)).toEqual({
      'playbook_cost_micros_total{docproc,live,submit}': 20_000,
      'playbook_gate_wait_seconds{docproc,live,submit,ok}': 0.25,
      'playbook_gate_wait_seconds{docproc,live,read,failed}': 3,
    });
  });
});

describe('control states', () => {
  it('say 1 for the stage in force alone, by the plan’s name of it', () => {
    const { metrics, values } = recordedMetrics();
    const record = createControlMetrics(metrics);
    record('docproc', { ...INITIAL_CONTROL, enabled: true, weightBps: 100, stage: '01a2-1:1 %' });
    const lease = { holder: 'r', untilMs: 1, safeWeightBps: 0, safeAllow: [] };
    record('docproc', { ...INITIAL_CONTROL, enabled: true, weightBps: 1_000, stage: '01a2-2:10 %', lease });
    expect(Object.fromEntries(values)).toEqual({
      'playbook_integration_enabled{docproc}': 1,
      'playbook_weight_ratio{docproc}': 0.1,
      'playbook_rollout_watched{docproc}': 1,
      'playbook_rollout_stage{docproc,1 %}': 0,
      'playbook_rollout_stage{docproc,10 %}': 1,
    });
  });

  it('are watched beside the kill switch, and stand while Temporal is away', async () => {
    const { metrics, values } = recordedMetrics();
    let away = false;
    let looks = 0;
    const watch = startControlWatch({
      lanes: [lane],
      readControl: () => (away ? Promise.reject(new Error('away')) : Promise.resolve(INITIAL_CONTROL)),
      isClosed: () => {
        looks += 1;
        return away ? Promise.reject(new Error('away')) : Promise.resolve(true);
      },
      metrics,
      everyMs: 5,
    });
    await until('it looks twice', () => looks >= 2);
    away = true;
    const seen = looks;
    await until('it looks twice', () => looks >= seen + 2);
    await watch.stop();
    expect(values.get('playbook_gate_closed{docproc,live}')).toBe(1);
    expect(values.get('playbook_integration_enabled{docproc}')).toBe(0);
  });
});
