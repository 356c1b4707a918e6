import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import type { Route } from '../../contracts/states.ts';
import type { Observation } from '../../http/types.ts';

/** Whose metrics they are. */
export interface LaneLabels {
  readonly service: string;
  readonly route: Route;
}

/** Measures one transmission. */
export function recordRequest(metrics: MetricRecorder, lane: LaneLabels, observation: Observation): void {
  const { kind, status, elapsedMs, failure } = observation;
  metrics.count('playbook_requests_total', {
    ...lane,
    kind,
    status: statusClass(status),
    code: failure?.code ?? 'OK',
  });
  const result = failure === undefined ? 'ok' : 'failed';
  metrics.observe('playbook_request_duration_seconds', { ...lane, kind, result }, elapsedMs / 1000);
}

/** A status by its class, so that a service that makes numbers up makes no new series. */
export function statusClass(status: number | undefined): string {
  if (status === undefined) return 'none';
  return status === 429 ? '429' : `${Math.min(5, Math.max(1, Math.floor(status / 100)))}xx`;
}
