import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import type { Route } from '../../contracts/states.ts';
import type { Observation, RequestKind } from '../../http/types.ts';

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

const GATED_KINDS: readonly RequestKind[] = ['upload', 'submit', 'poll', 'fetch', 'list', 'lookup', 'cancel'];

/**
 * Begins the counts of refusals at 0: `increase()` sees no rise in a series that was not there at the scrape before, so the first 429 of
 * a process would wake nobody.
 */
export function beginRefusals(metrics: MetricRecorder, lane: LaneLabels): void {
  for (const kind of GATED_KINDS) {
    metrics.count('playbook_requests_total', { ...lane, kind, status: '429', code: 'THROTTLED' }, 0);
  }
}

/** A status by its class, so that a service that makes numbers up makes no new series. */
export function statusClass(status: number | undefined): string {
  if (status === undefined) return 'none';
  return status === 429 ? '429' : `${Math.min(5, Math.max(1, Math.floor(status / 100)))}xx`;
}
