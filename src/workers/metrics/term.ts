import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import type { RequestKind } from '../../http/types.ts';
import type { Turn } from '../../rules/gate/send-class.ts';
import { recordGate, type GateReading } from './gate.ts';
import { recordOpenJobs, type OpenJobsReading } from './open-jobs.ts';
import type { LaneLabels } from './requests.ts';

/** How often the state of the gate is shown, and jobs under way are counted, in milliseconds. */
const SHOWN_EVERY_MS = 1_000;
const COUNTED_EVERY_MS = 15_000;

/** Measures one term of holding a gate. */
export interface TermMetrics {
  /** To be called often; looks only when it is time. */
  readonly tick: () => void;
  /** A request was paid for. */
  readonly paid: (kind: RequestKind, micros: number) => void;
  /** A request waited for leave. */
  readonly waited: (turn: Turn, waitedMs: number, granted: boolean) => void;
  /** The term is over: what only a holder knows is known no more. */
  readonly end: () => void;
}

export function createTermMetrics(deps: {
  readonly metrics: MetricRecorder;
  readonly lane: LaneLabels;
  readonly read: () => GateReading;
  /** The service's jobs under way; absent where another lane counts them. */
  readonly readOpenJobs: (() => Promise<OpenJobsReading>) | undefined;
  readonly nowMs: () => number;
}): TermMetrics {
  const { metrics, lane, readOpenJobs, nowMs } = deps;
  const { service, route } = lane;
  let shownMs = -Infinity;
  let countedMs = -Infinity;
  let ended = false;

  const count = async (read: () => Promise<OpenJobsReading>): Promise<void> => {
    // Temporal is away: what was counted last stands.
    const reading = await read().catch(() => undefined);
    if (reading !== undefined && !ended) recordOpenJobs(metrics, service, reading);
  };

  return {
    tick: () => {
      const now = nowMs();
      if (now - shownMs >= SHOWN_EVERY_MS) {
        shownMs = now;
        recordGate(metrics, lane, deps.read(), now);
      }
      if (readOpenJobs === undefined || now - countedMs < COUNTED_EVERY_MS) return;
      countedMs = now;
      void count(readOpenJobs);
    },
    paid: (kind, micros) => {
      if (micros > 0) metrics.count('playbook_cost_micros_total', { service, route, kind }, Math.round(micros));
    },
    waited: (turn, waitedMs, granted) => {
      const labels = { service, route, class: turn, result: granted ? 'ok' : 'failed' };
      metrics.observe('playbook_gate_wait_seconds', labels, waitedMs / 1000);
    },
    end: () => {
      ended = true;
      recordGate(metrics, lane, undefined, nowMs());
      if (readOpenJobs !== undefined) recordOpenJobs(metrics, service, undefined);
    },
  };
}
