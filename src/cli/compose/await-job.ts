import type { FoundJob, JobAnswer } from '../../client/index.ts';
import { endedLine, pendingLine } from '../output/job-line.ts';
import type { JobLine } from '../output/job-line.ts';
import { untilAborted } from './until-aborted.ts';

const DETAIL_MS = 2000;

/** Waits for a job's end; PENDING when `maxWaitMs` are over or the command is interrupted. */
export async function awaitJob(
  handle: FoundJob,
  { maxWaitMs, interrupt }: { readonly maxWaitMs: number | undefined; readonly interrupt: AbortSignal },
): Promise<JobLine> {
  const result = handle.result(maxWaitMs === undefined ? {} : { maxWaitMs });
  result.catch(() => undefined); // after an interruption nobody waits for it
  const answer = await Promise.race([result, untilAborted(interrupt)]);
  return answer === undefined || answer.state === 'PENDING' ? pending(handle) : endedLine(answer);
}

async function pending(handle: FoundJob): Promise<JobLine> {
  const [job, counts] = await Promise.all([handle.status(), countsOf(handle)]);
  // It may have ended just now; then the answer is there at once.
  if (job.closedAt !== null) {
    const answer: JobAnswer<unknown> = await handle.result();
    if (answer.state !== 'PENDING') return endedLine(answer);
  }
  return pendingLine(job, counts, Date.now());
}

/** Polls and webhooks so far, which only a running worker can tell. */
async function countsOf(handle: FoundJob): Promise<{ readonly polls: number; readonly webhooks: number }> {
  let timer: NodeJS.Timeout | undefined;
  const unknown = new Promise<{ polls: number; webhooks: number }>((resolve) => {
    timer = setTimeout(resolve, DETAIL_MS, { polls: 0, webhooks: 0 });
  });
  try {
    const detail = handle.detail().catch(() => ({ polls: 0, webhooks: 0 }));
    const { polls, webhooks } = await Promise.race([detail, unknown]);
    return { polls, webhooks };
  } finally {
    clearTimeout(timer);
  }
}
