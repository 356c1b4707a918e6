import { context, trace } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';

/**
 * Passes the caller's trace on to the jobs it starts and signals. A caller without one (its process has no OpenTelemetry, or no span is
 * active) is left alone: nothing is added to the history.
 */
export function callerTracing(): WorkflowClientInterceptor {
  const traced = new OpenTelemetryWorkflowClientInterceptor();
  const isTraced = (): boolean => trace.getSpan(context.active()) !== undefined;
  return {
    startWithDetails: (input, next) => (isTraced() ? traced.startWithDetails(input, next) : next(input)),
    signal: (input, next) => (isTraced() ? traced.signal(input, next) : next(input)),
    startUpdateWithStart: (input, next) => (isTraced() ? traced.startUpdateWithStart(input, next) : next(input)),
  };
}
