import type { ControlState } from '../../contracts/control.ts';
import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import { stageName } from '../../rules/rollout/messages.ts';

/** Shows control states. Keeps which stages a service was seen in, so that only the one in force says 1. */
export function createControlMetrics(metrics: MetricRecorder): (service: string, control: ControlState) => void {
  const stages = new Map<string, Set<string>>();
  return (service, control) => {
    metrics.set('playbook_integration_enabled', { service }, control.enabled ? 1 : 0);
    metrics.set('playbook_weight_ratio', { service }, control.weightBps / 10_000);
    metrics.set('playbook_rollout_watched', { service }, control.lease === undefined ? 0 : 1);
    const seen = stages.get(service) ?? new Set<string>();
    stages.set(service, seen);
    // By its name alone: with the rollout's id, every rollout would make series of its own.
    const current = control.stage === undefined ? undefined : stageName(control.stage);
    if (current !== undefined) seen.add(current);
    for (const stage of seen) {
      metrics.set('playbook_rollout_stage', { service, stage }, stage === current ? 1 : 0);
    }
  };
}
