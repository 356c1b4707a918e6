import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricRecorder } from '../../contracts/metric-recorder.ts';

const EVERY_MS = 5_000;

/** Measures the process itself, until stopped. */
export function startProcessMetrics(deps: {
  readonly metrics: MetricRecorder;
  readonly version: string;
  /** Of a versioned worker. */
  readonly buildId: string | undefined;
  readonly isReady: () => boolean;
}): { readonly stop: () => void } {
  const { metrics, version, buildId = 'none', isReady } = deps;
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const measure = (): void => {
    const { rss, heapUsed } = process.memoryUsage();
    metrics.set('process_resident_memory_bytes', {}, rss);
    metrics.set('playbook_heap_bytes', {}, heapUsed);
    metrics.set('playbook_event_loop_lag_seconds', {}, delay.percentile(99) / 1e9);
    metrics.set('playbook_ready', {}, isReady() ? 1 : 0);
    delay.reset();
  };
  metrics.set('playbook_build_info', { version, build: buildId }, 1);
  metrics.set('process_start_time_seconds', {}, performance.timeOrigin / 1000);
  measure();
  const timer = setInterval(measure, EVERY_MS).unref();
  return {
    stop: () => {
      clearInterval(timer);
      delay.disable();
    },
  };
}
