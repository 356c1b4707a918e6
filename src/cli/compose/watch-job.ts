import { setTimeout as sleep } from 'node:timers/promises';
import type { JobHandle, JobSnapshot } from '../../client/index.ts';
import { isTerminal } from '../../contracts/states.ts';

const EVERY_MS = 100;

/** Follows a job, telling each change of its state (or external id) once; ends with the job, or when `signal` aborts. */
export async function watchJob(
  handle: JobHandle<unknown>,
  signal: AbortSignal,
  onChange: (job: JobSnapshot) => void,
): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    const job = await handle.status();
    const now = `${job.state} ${job.externalId}`;
    if (now !== last) onChange(job);
    last = now;
    if (isTerminal(job.state)) return;
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
