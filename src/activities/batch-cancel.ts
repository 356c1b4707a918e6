import { setTimeout as sleep } from 'node:timers/promises';
import type { CancelChunkRequest, CanceledChunk } from '../contracts/batch.ts';
import { jobReference } from '../contracts/ids.ts';
import { backoffMs } from '../rules/backoff.ts';
import { onBehalfOfJob, READS_AT_ONCE, RESULT_BYTES, together, type ReadDeps } from './batch-chunk.ts';
import { judge } from './failures.ts';
import { cancelAtService } from './looking.ts';
import { findByReference } from './observe.ts';

/** Cancels some jobs at the service, each until it is told or the time is up. */
export async function cancelAll(
  deps: ReadDeps,
  request: CancelChunkRequest,
  signal: AbortSignal,
): Promise<CanceledChunk> {
  const { batch, jobs } = request;
  const ends = new Map<number, CanceledChunk['ends'][number]>();
  let bytes = 0;
  const cancel = async (at: number): Promise<void> => {
    const { key, generation, unit, externalId: known } = jobs[at]!;
    const job = { service: batch.service, key, generation };
    const runtime = onBehalfOfJob(deps.services, request, unit);
    for (let tries = 1; !ends.has(at); tries += 1) {
      try {
        const externalId = known ?? (await findByReference(runtime, job, signal))?.externalId ?? null;
        const observation = externalId === null ? null : await cancelAtService(runtime, externalId, signal);
        bytes += Buffer.byteLength(JSON.stringify(observation));
        const isTooMuch = bytes > RESULT_BYTES && observation?.result !== undefined;
        ends.set(at, isTooMuch ? { failed: 'It had ended; its result was not taken.' } : { externalId, observation });
      } catch (error) {
        signal.throwIfAborted();
        const { message, retryable, retryAfterMs: asked } = judge(error);
        const { backoff_ms } = runtime.config.service.retry;
        if (!retryable || deps.now() >= request.deadlineAtMs)
          ends.set(at, { failed: `${jobReference(job)}: ${message}` });
        else await sleep(asked ?? backoffMs(backoff_ms, tries, deps.random), undefined, { signal });
      }
    }
  };
  await together(jobs.keys(), READS_AT_ONCE, cancel);
  return { ends: [...jobs.keys()].map((at) => ends.get(at)!) };
}
