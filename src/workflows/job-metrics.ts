import { metricMeter } from '@temporalio/workflow';
import type { JobOutcome, WebhookHint } from '../contracts/jobs.ts';
import { createMetricRecorder } from '../contracts/metric-recorder.ts';

/** Measures how a job ended. Nothing of it is in the history, and a replay measures nothing. */
export function recordEnd({ service, route, state, error, latencyMs, polls, costMicros }: JobOutcome): void {
  const metrics = createMetricRecorder(metricMeter);
  const labels = { service, route: route ?? 'none', state };
  metrics.count('playbook_jobs_ended_total', { ...labels, code: error?.code ?? 'OK' });
  metrics.observe('playbook_job_duration_seconds', labels, latencyMs / 1000);
  metrics.observe('playbook_job_polls', labels, polls);
  if (costMicros > 0) metrics.count('playbook_job_cost_micros_total', labels, Math.round(costMicros));
}

/** Measures how long a webhook took from the receiver to its job. */
export function recordWebhook(service: string, { receivedAtMs, swept }: WebhookHint, nowMs: number): void {
  if (swept) return;
  const metrics = createMetricRecorder(metricMeter);
  metrics.observe('playbook_webhook_lag_seconds', { service }, (nowMs - receivedAtMs) / 1000);
}
