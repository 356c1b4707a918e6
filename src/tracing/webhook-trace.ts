import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Tracer } from '@opentelemetry/api';
import type { AroundHandOver } from '../webhooks/index.ts';

/** A span for each webhook handed over. A service that goes on with our trace has sent it along; else the webhook begins its own. */
export function createWebhookTrace(tracer: Tracer): AroundHandOver {
  return async ({ service, traceparent, workflowId }, handOver) => {
    const parent =
      traceparent === undefined ? context.active() : propagation.extract(context.active(), { traceparent });
    const attributes = {
      'playbook.service': service,
      ...(workflowId === undefined ? {} : { temporalWorkflowId: workflowId }),
    };
    const span = tracer.startSpan(`webhook ${service}`, { kind: SpanKind.SERVER, attributes }, parent);
    try {
      const result = await context.with(trace.setSpan(parent, span), handOver);
      span.setAttribute('playbook.webhook.outcome', result);
      if (result === 'temporal_away') span.setStatus({ code: SpanStatusCode.ERROR, message: result });
      return result;
    } finally {
      span.end();
    }
  };
}
