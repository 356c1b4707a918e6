import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Failure } from '../../src/rules/failure.ts';
import { createRequestTrace } from '../../src/tracing/request-trace.ts';
import { createWebhookTrace } from '../../src/tracing/webhook-trace.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register({
  contextManager: new AsyncLocalStorageContextManager().enable(),
  propagator: new W3CTraceContextPropagator(),
});
const tracer = provider.getTracer('test');
beforeEach(() => exporter.reset());
afterAll(() => provider.shutdown());

const THROTTLED: Failure = { code: 'THROTTLED', retryable: true, arrival: 'never', throttled: true, message: 'secret' };
const ended = () => {
  const [span, ...others] = exporter.getFinishedSpans();
  expect(others).toEqual([]);
  if (span === undefined) throw new Error('no span has ended');
  return span;
};

describe('the span of a request', () => {
  const requests = createRequestTrace(tracer, 'docproc');

  it.each([
    ['https://api.example/v3/jobs', 443],
    ['http://api.example/v3/jobs', 80],
    ['http://api.example:8300/v3/jobs', 8300],
  ])('says what goes to %s and nothing of its path, and is what the service can go on with', (url, port) => {
    const request = requests({ method: 'POST', url: new URL(url), kind: 'submit' });
    request.leaves();
    request.end({ status: 202 } as never);
    const span = ended();
    expect(span).toMatchObject({
      name: 'POST docproc submit',
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
    });
    expect(span.attributes).toEqual({
      'http.request.method': 'POST',
      'server.address': 'api.example',
      'server.port': port,
      'playbook.service': 'docproc',
      'playbook.request.kind': 'submit',
      'http.response.status_code': 202,
    });
    expect(span.events.map(({ name }) => name)).toEqual(['let go by the gate']);
    const { traceId, spanId } = span.spanContext();
    expect(request.headers).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
  });

  it.each([
    ['that was refused', { status: 429, failure: THROTTLED }, { 'http.response.status_code': 429 }],
    ['that had no answer', { failure: THROTTLED }, {}],
  ])('%s has the code of its failure and none of its words', (_name, observation, attributes) => {
    requests({ method: 'GET', url: new URL('https://api.example/'), kind: 'poll' }).end(observation as never);
    const span = ended();
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'THROTTLED' });
    expect(span.attributes).toMatchObject({ 'error.type': 'THROTTLED', ...attributes });
    expect(JSON.stringify([span.attributes, span.status])).not.toContain('secret');
  });

  it('that was withheld says so', () => {
    requests({ method: 'GET', url: new URL('https://api.example/'), kind: 'poll' }).end(undefined);
    expect(ended().attributes).toMatchObject({ 'playbook.withheld': true });
  });
});

describe('the span of a webhook', () => {
  const around = createWebhookTrace(tracer);
  const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];

  it('goes on with the trace the service sends along, and names the workflow', async () => {
    const about = {
      service: 'docproc',
      traceparent: `00-${traceId}-${spanId}-01`,
      workflowId: 'docproc/a',
      job: undefined,
    };
    expect(await around(about, async () => 'handed_over' as never)).toBe('handed_over');
    const span = ended();
    expect(span).toMatchObject({ name: 'webhook docproc', kind: SpanKind.SERVER, parentSpanId: spanId });
    expect(span.spanContext().traceId).toBe(traceId);
    expect(span.attributes).toMatchObject({
      temporalWorkflowId: 'docproc/a',
      'playbook.webhook.outcome': 'handed_over',
    });
    expect(span.status).toEqual({ code: SpanStatusCode.UNSET });
  });

  it('begins a trace of its own where none is sent, is an error with Temporal away, and ends whatever is thrown', async () => {
    const about = { service: 'docproc', traceparent: undefined, workflowId: undefined, job: undefined };
    await around(about, async () => 'temporal_away');
    expect(ended()).toMatchObject({
      parentSpanId: undefined,
      status: { code: SpanStatusCode.ERROR, message: 'temporal_away' },
    });
    exporter.reset();
    const failing = around(about, async () => {
      throw new RangeError('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(ended().attributes).toEqual({ 'playbook.service': 'docproc' });
  });
});
