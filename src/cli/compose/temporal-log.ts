import type { LogEntry } from '@temporalio/worker';
import type { Logger } from '../../logging/logger.ts';

/** Passes what Temporal's SDK says on to our log, without what is no news there. */
export function logTemporalEntry(logger: Logger, { level, message, meta }: LogEntry): void {
  if (message.startsWith('No workflows registered')) return; // true of the activity workers, and meant
  const {
    trace_id: traceId,
    span_id: spanId,
    trace_flags: _flags,
    ...others
  } = (meta ?? {}) as Record<string, unknown>;
  const fields = { ...others, ...(traceId === undefined ? {} : { traceId, spanId }) };
  if (message === 'Workflow failed') {
    // How a job ends is a result, not trouble in the worker; its stack would be the workflow's own code.
    const { workflowId, runId, error } = others as { workflowId?: string; runId?: string; error?: unknown };
    const reason = error instanceof Error || hasMessage(error) ? error.message : undefined;
    logger.info({ workflowId, runId, traceId, reason }, 'A job ended without success');
    return;
  }
  if (level === 'ERROR') logger.error(fields, message);
  else if (level === 'WARN') logger.warn(fields, message);
  else logger.debug(fields, message);
}

function hasMessage(value: unknown): value is { readonly message: string } {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}
