import type { MetricRecorder } from '../../contracts/metric-recorder.ts';

/** Jobs of a service under way. */
export interface OpenJobsReading {
  readonly created: number;
  readonly processing: number;
  /** Age of the one that has been PROCESSING longest, from its acceptance by us; 0 without any. */
  readonly oldestProcessingMs: number;
}

/** Shows them; `undefined` where they are not known. */
export function recordOpenJobs(metrics: MetricRecorder, service: string, reading: OpenJobsReading | undefined): void {
  metrics.set('playbook_jobs_open', { service, state: 'CREATED' }, reading?.created);
  metrics.set('playbook_jobs_open', { service, state: 'PROCESSING' }, reading?.processing);
  const oldestMs = reading?.oldestProcessingMs;
  metrics.set('playbook_oldest_processing_seconds', { service }, oldestMs === undefined ? undefined : oldestMs / 1000);
}
