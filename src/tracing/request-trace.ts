import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Tracer } from '@opentelemetry/api';
import type { TraceRequest } from '../http/types.ts';

/** A span for each transmission to a service, and the W3C headers by which the service can go on with the trace. */
export function createRequestTrace(tracer: Tracer, service: string): TraceRequest {
  return ({ method, url, kind }) => {
    const span = tracer.startSpan(`${method} ${service} ${kind}`, {
      kind: SpanKind.CLIENT,
      attributes: {
        'http.request.method': method,
        'server.address': url.hostname,
        'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
        'playbook.service': service,
        'playbook.request.kind': kind,
      },
    });
    const headers: Record<string, string> = {};
    propagation.inject(trace.setSpan(context.active(), span), headers);
    return {
      headers,
      leaves: () => void span.addEvent('let go by the gate'),
      end: (observation) => {
        if (observation === undefined) span.setAttribute('playbook.withheld', true);
        else {
          const { status, failure } = observation;
          if (status !== undefined) span.setAttribute('http.response.status_code', status);
          if (failure !== undefined) {
            // The code alone: what a service says in its message may be classified.
            span.setAttribute('error.type', failure.code);
            span.setStatus({ code: SpanStatusCode.ERROR, message: failure.code });
          }
        }
        span.end();
      },
    };
  };
}
