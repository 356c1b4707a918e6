import type { Client } from '@temporalio/client';

/** What `setTimeout` can take. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Does something with a client for so long at most: `undefined` once the time is over. Without a limit it takes what it takes. */
export async function within<Answer>(
  client: Client,
  maxWaitMs: number | undefined,
  work: () => Promise<Answer>,
): Promise<Answer | undefined> {
  if (maxWaitMs === undefined) return work();
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), Math.min(maxWaitMs, LONGEST_TIMER_MS));
  try {
    return await client.withAbortSignal(over.signal, work);
  } catch (error) {
    if (!over.signal.aborted) throw error;
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
