import { context, isSpanContextValid, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { envDetectorSync, Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OpenTelemetryActivityInboundInterceptor } from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import type { Sinks } from '@temporalio/workflow';
import type { TraceSinks } from '../contracts/trace.ts';
import type { TraceRequest } from '../http/types.ts';
import type { AroundHandOver } from '../webhooks/index.ts';
import { createRequestTrace } from './request-trace.ts';
import { exportWorkflowSpan } from './workflow-spans.ts';
import { createWebhookTrace } from './webhook-trace.ts';

/** Tracing of one process. */
export interface Tracing {
  /** For workers: activities go on with the trace their workflow was given, and workflows tell what they did. */
  readonly activity: ActivityInterceptorsFactory;
  readonly sinks: InjectedSinks<TraceSinks & Sinks>;
  readonly requests: (service: string) => TraceRequest;
  readonly webhooks: AroundHandOver;
  /** The trace under way, as log lines carry it. */
  readonly current: () => { readonly traceId: string; readonly spanId: string } | undefined;
  /** Sends what is left, and ends. */
  readonly close: () => Promise<void>;
}

/**
 * Begins to trace: spans go to the collector that OpenTelemetry's standard environment names, sampled as that says.
 * @param name of the process, unless `OTEL_SERVICE_NAME` gives another
 */
export function startTracing(name: string, version: string): Tracing {
  const usual = new Resource({ 'service.name': name, 'service.version': version });
  const resource = Resource.default().merge(usual).merge(new Resource(envDetectorSync.detect().attributes));
  const spanProcessor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new BasicTracerProvider({ resource, spanProcessors: [spanProcessor] });
  provider.register({
    contextManager: new AsyncLocalStorageContextManager().enable(),
    // Not baggage: what callers put there is none of the services' business.
    propagator: new W3CTraceContextPropagator(),
  });
  const tracer = provider.getTracer('playbook', version);
  return {
    activity: (attempt) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(attempt) }),
    sinks: {
      playbookTrace: { ended: { fn: (_info, span) => exportWorkflowSpan(span, spanProcessor, resource) } },
    },
    requests: (service) => createRequestTrace(tracer, service),
    webhooks: createWebhookTrace(tracer),
    current: () => {
      const spanContext = trace.getSpan(context.active())?.spanContext();
      if (spanContext === undefined || !isSpanContextValid(spanContext)) return undefined;
      return { traceId: spanContext.traceId, spanId: spanContext.spanId };
    },
    close: async () => {
      // A collector that is away must not keep the process.
      await provider.shutdown().catch(() => undefined);
    },
  };
}
