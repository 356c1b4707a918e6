import { ApplicationFailure, CancelledFailure, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { isErrorCode, PlaybookError, type ErrorCode } from '../contracts/errors.ts';
import type { JobAccepted } from '../contracts/jobs.ts';
import { describeJob, snapshot } from './job-snapshot.ts';

/** The failure of an `accepted` update in the registry's words; anything else unchanged. */
export function acceptanceFailure(error: unknown): unknown {
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  const { cause } = error;
  if (cause instanceof CancelledFailure) return new PlaybookError('CANCELED', cause.message, { cause: error });
  if (!(cause instanceof ApplicationFailure)) return error;
  return new PlaybookError(codeOf(cause.type), cause.message, { cause: error });
}

/** The acceptance of a job that is over already, read from what it left. @throws PlaybookError with its code if it was never accepted */
export async function pastAcceptance(client: Client, workflowId: string): Promise<JobAccepted> {
  const { externalId, state, errorCode } = snapshot(await describeJob(client, workflowId));
  if (externalId !== null) return { workflowId, externalId, state };
  throw new PlaybookError(codeOf(errorCode), `Job ${workflowId} ended ${state} without reaching the service.`);
}

function codeOf(code: string | null | undefined): ErrorCode {
  return code !== null && code !== undefined && isErrorCode(code) ? code : 'INTERNAL';
}
