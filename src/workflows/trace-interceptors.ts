import { defaultPayloadConverter } from '@temporalio/common';
import { proxySinks, workflowInfo } from '@temporalio/workflow';
import type { Sinks, WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { parseTraceparent, TRACE_HEADER, traceparent, type TracePoint, type TraceSinks } from '../contracts/trace.ts';

type Headers = Readonly<Record<string, Parameters<typeof defaultPayloadConverter.fromPayload>[0]>>;

const { playbookTrace } = proxySinks<TraceSinks & Sinks>();

/**
 * Passes a trace through workflows: from whoever started them to their activities, and from a signal. Where none comes in,
 * nothing is done.
 *
 * Neither an `await` nor a random number is added anywhere, so histories replay the same with a trace and without, and traces can
 * be switched on and off while jobs are under way (docs/decisions/0022-traces-without-a-tracer-in-workflows.md).
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let run: TracePoint | undefined;
  return {
    inbound: [
      {
        execute: (input, next) => {
          const parent = pointIn(input.headers);
          if (parent === undefined) return next(input);
          const { workflowType, runId, startTime } = workflowInfo();
          run = { ...parent, spanId: runId.replaceAll('-', '').slice(0, 16) };
          const running = next(input);
          const end = (failed: boolean) => () =>
            tell(`RunWorkflow:${workflowType}`, run, parent, startTime.getTime(), failed);
          // Beside the promise that is returned, which is the workflow's own.
          void running.then(end(false), end(true));
          return running;
        },
        handleSignal: (input, next) => {
          const parent = pointIn(input.headers);
          if (parent !== undefined) {
            const here = { ...parent, spanId: mixed(parent.spanId, workflowInfo().runId) };
            tell(`HandleSignal:${input.signalName}`, here, parent, Date.now(), false);
          }
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(withPoint(input, run)),
        scheduleLocalActivity: (input, next) => next(withPoint(input, run)),
      },
    ],
  };
};

function pointIn(headers: Headers): TracePoint | undefined {
  const payload = headers[TRACE_HEADER];
  if (payload === undefined) return undefined;
  const carrier = defaultPayloadConverter.fromPayload<Readonly<Record<string, unknown>>>(payload);
  return parseTraceparent(carrier['traceparent']);
}

function withPoint<Input extends { readonly headers: Headers }>(input: Input, point: TracePoint | undefined): Input {
  if (point === undefined) return input;
  const payload = defaultPayloadConverter.toPayload({ traceparent: traceparent(point) });
  return { ...input, headers: { ...input.headers, [TRACE_HEADER]: payload } };
}

/** Goes nowhere in a worker that does not trace. */
function tell(name: string, point: TracePoint | undefined, parent: TracePoint, startMs: number, failed: boolean): void {
  if (point === undefined) return;
  const { workflowId, runId } = workflowInfo();
  const endMs = Math.max(startMs, Date.now());
  playbookTrace.ended({ ...point, name, parentSpanId: parent.spanId, startMs, endMs, failed, workflowId, runId });
}

/** An id that a replay makes again. */
function mixed(spanId: string, runId: string): string {
  const tail = BigInt(`0x${runId.replaceAll('-', '').slice(16)}`);
  const id = BigInt(`0x${spanId}`) ^ tail;
  return (id === 0n ? 1n : id).toString(16).padStart(16, '0');
}
