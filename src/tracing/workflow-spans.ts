import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { hrTimeDuration, millisToHrTime } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { WorkflowSpan } from '../contracts/trace.ts';

/** Exports what workflows did. */
export function exportWorkflowSpan(span: WorkflowSpan, processor: SpanProcessor, resource: Resource): void {
  const [startTime, endTime] = [millisToHrTime(span.startMs), millisToHrTime(span.endMs)];
  const traceFlags = Number.parseInt(span.flags, 16) & TraceFlags.SAMPLED;
  const readable: ReadableSpan = {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => ({ traceId: span.traceId, spanId: span.spanId, traceFlags }),
    parentSpanId: span.parentSpanId,
    startTime,
    endTime,
    duration: hrTimeDuration(startTime, endTime),
    status: { code: span.failed ? SpanStatusCode.ERROR : SpanStatusCode.OK },
    attributes: { temporalWorkflowId: span.workflowId, run_id: span.runId },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationLibrary: { name: 'playbook' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
  processor.onEnd(readable);
}
