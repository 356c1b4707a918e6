import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { PlaybookError } from '../../contracts/errors.ts';
import { bucketEdges, createMetricRecorder, NO_METRICS, type MetricRecorder } from '../../contracts/metric-recorder.ts';
import type { RuntimeSetup } from '../io.ts';
import { logTemporalEntry } from './temporal-log.ts';
import { messageOf } from '../../rules/message-of.ts';

/**
 * Installs the runtime of Temporal's native part. It serves its own metrics and ours together, at `/metrics`.
 * @throws PlaybookError PORT_IN_USE
 */
export function installRuntime({ logger, metricsAddress }: RuntimeSetup): MetricRecorder {
  const runtime = {
    logger: new DefaultLogger('WARN', (entry) => logTemporalEntry(logger, entry)),
    shutdownSignals: [],
  };
  const logging = { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} };
  if (metricsAddress === undefined) {
    Runtime.install({ ...runtime, telemetryOptions: { logging } });
    return NO_METRICS;
  }
  const prometheus = { bindAddress: metricsAddress, histogramBucketOverrides: bucketEdges() };
  try {
    Runtime.install({ ...runtime, telemetryOptions: { logging, metrics: { attachServiceName: false, prometheus } } });
  } catch (cause) {
    const reason = messageOf(cause);
    const message = `Metrics cannot be served at ${metricsAddress} (${reason}). Choose another address with --metrics.`;
    throw new PlaybookError('PORT_IN_USE', message, { cause });
  }
  logger.info({ address: metricsAddress }, 'Metrics at /metrics');
  return createMetricRecorder(Runtime.instance().metricMeter);
}
