import { BATCH_PUBLISHES_EVERY_MS } from '../contracts/batch.ts';
import type { SampledJob } from '../rules/rollout/collect.ts';
import type { PartInfo } from './batch-parts.ts';

/** A part tells of an end within this, in milliseconds: its pause between two times, and the workflow task that ends it. */
const TOLD_WITHIN_MS = BATCH_PUBLISHES_EVERY_MS + 1_000;

/**
 * A part's jobs as a rollout reads them. They were all accepted at one time, so it does not matter which of those that run is
 * which: the nth to end is the nth of the part, and its own id from then on.
 */
export function partSamples(
  { workflowId, firstRunId, broken, memo: { rollout } }: PartInfo,
  isExcused: (code: string) => boolean,
): readonly SampledJob[] {
  if (rollout === undefined) return [];
  const { stage, route, startedMs, jobs, samples } = rollout;
  return Array.from({ length: jobs }, (_, nth) => {
    const job = { workflowId, runId: `${firstRunId}/${nth}`, stage, route, startedMs };
    const sample = samples[nth];
    if (sample === undefined) {
      return broken
        ? { ...job, finishedMs: startedMs, end: 'excused' as const }
        : { ...job, toldLateMs: TOLD_WITHIN_MS };
    }
    const [latencyMs, end, costMicros] = sample;
    const counted = end === 'good' ? 'good' : isExcused(end) ? 'excused' : 'bad';
    return { ...job, finishedMs: startedMs + latencyMs, end: counted, costMicros };
  });
}
