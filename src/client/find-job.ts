import type { Client } from '@temporalio/client';
import { PlaybookError } from '../contracts/errors.ts';
import { createBatchJobHandle, type FoundJob } from './batch-job-handle.ts';
import { placesOf } from './batch-job.ts';
import { createJobHandle } from './job-handle.ts';

/**
 * Finds a job by its id `<service>/<key>`: the one that ran alone, else the latest in a batch.
 * @throws PlaybookError JOB_NOT_FOUND
 */
export async function findJob(client: Client, workflowId: string): Promise<FoundJob> {
  const alone = createJobHandle<unknown>(client, workflowId);
  try {
    await alone.status();
    return alone;
  } catch (error) {
    if (!(error instanceof PlaybookError) || error.code !== 'JOB_NOT_FOUND') throw error;
    const [latest] = await placesOf(client, alone.service, alone.key);
    if (latest === undefined) throw error;
    return createBatchJobHandle(client, alone.service, latest);
  }
}
