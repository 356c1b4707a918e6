/** Header by which Temporal's OpenTelemetry interceptors pass a trace on: a map with W3C's `traceparent`. */
export const TRACE_HEADER = '_tracer-data';

/** A place in a trace, read from a `traceparent`. */
export interface TracePoint {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Two hex digits; the last bit says that it is sampled. */
  readonly flags: string;
}

/** What a workflow did, on its way out of the sandbox. */
export interface WorkflowSpan extends TracePoint {
  readonly name: string;
  readonly parentSpanId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
  readonly workflowId: string;
  readonly runId: string;
}

/** Sinks of the worker that take them. */
export interface TraceSinks {
  readonly playbookTrace: { readonly ended: (span: WorkflowSpan) => void };
}

/** Reads a `traceparent` of version 00; `undefined` for anything else. */
export function parseTraceparent(text: unknown): TracePoint | undefined {
  const match = typeof text === 'string' ? /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(text) : null;
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return /^0+$/.test(traceId) || /^0+$/.test(spanId) ? undefined : { traceId, spanId, flags };
}

export function traceparent({ traceId, spanId, flags }: TracePoint): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
