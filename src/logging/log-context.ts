import { AsyncLocalStorage } from 'node:async_hooks';

/** What a log line says of the work it belongs to. */
export interface LogContext {
  /** One attempt of an activity, or one webhook. */
  readonly requestId?: string;
  readonly workflowId?: string;
  readonly runId?: string;
  /** Our reference for the job, as the service knows it. */
  readonly jobId?: string;
  readonly service?: string;
  readonly activity?: string;
  readonly attempt?: number;
}

const storage = new AsyncLocalStorage<LogContext>();

/** Runs work whose log lines, whoever writes them, say what they belong to. */
export function withLogContext<Result>(fields: LogContext, work: () => Result): Result {
  return storage.run({ ...storage.getStore(), ...fields }, work);
}

/** What the line being written belongs to. */
export function logContext(): LogContext {
  return storage.getStore() ?? {};
}
