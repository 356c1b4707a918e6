import { mappedState, outbound, readAnswer } from '../activities/index.ts';
import type { ObservedState } from '../contracts/states.ts';
import type { Failure } from '../rules/failure.ts';
import { failureOf, submitOnce, uploadFiles, waitOf } from './asked.ts';
import type { Asked } from './asked.ts';

/** A status word, and when it was first seen. */
export interface SeenWord {
  readonly word: string;
  /** Milliseconds since the submit was answered; 0 is the answer itself. */
  readonly atMs: number;
  /** What the integration's table makes of it; `null` for a word it does not have. */
  readonly means: ObservedState | null;
}

export interface FollowedJob {
  readonly sample: 'valid' | 'failing';
  readonly externalId: string;
  readonly words: readonly SeenWord[];
  readonly polls: number;
  /** Polls that found no such job, before the first that did. */
  readonly notFound: number;
  /** False when the wait was over first. */
  readonly hasEnded: boolean;
}

export interface StatesFinding {
  readonly probe: 'states';
  readonly jobs: readonly FollowedJob[];
  /** Words the integration's table does not have. */
  readonly unknown: readonly string[];
  /** Words of the table that no sample went through. */
  readonly unseen: readonly string[];
}

const LEAST_SPACING_MS = 100;
/** A pause between polls is this part of the time so far: words of the first second are seen, and a long job costs few polls. */
const SPACING = 0.05;

/** Submits the samples, one after the other, and writes down every word of theirs. @throws RequestFailed, PlaybookError */
export async function probeStates(asked: Asked, { maxWaitMs }: { readonly maxWaitMs: number }): Promise<StatesFinding> {
  const jobs = [await follow(asked, 'valid', await asked.inputOf(1), maxWaitMs)];
  if (asked.failingInput !== undefined) {
    jobs.push(await follow(asked, 'failing', await asked.failingInput(), maxWaitMs));
  }
  const seen = new Map(jobs.flatMap(({ words }) => words.map(({ word, means }) => [word, means] as const)));
  return {
    probe: 'states',
    jobs,
    unknown: [...seen].flatMap(([word, means]) => (means === null ? [word] : [])),
    unseen: Object.keys(asked.runtime.integration.states).filter((word) => !seen.has(word)),
  };
}

async function follow(
  asked: Asked,
  sample: FollowedJob['sample'],
  input: unknown,
  maxWaitMs: number,
): Promise<FollowedJob> {
  const { runtime, clock, pause } = asked;
  const { integration } = runtime;
  await uploadFiles(asked, input);
  const { externalId, word: firstWord } = await submitOnce(asked, input, `states-${sample}`);
  const startMs = clock.monotonicMs();
  const sinceMs = (): number => Math.round(clock.monotonicMs() - startMs);
  const words: SeenWord[] = [];
  const note = (word: string, atMs: number): void => {
    const means = mappedState(integration, word) ?? null;
    if (!words.some((seen) => seen.word === word)) words.push({ word, atMs, means });
  };
  note(firstWord, 0);
  const { qps_cap: cap, window_ms: windowMs } = runtime.config.service.rate_limit;
  const leastMs = Math.max(LEAST_SPACING_MS, (2 * windowMs) / cap);
  const [count, hasEnded] = [{ polls: 0, notFound: 0 }, (): boolean => isOver(words.at(-1))];
  while (!hasEnded() && sinceMs() < maxWaitMs) {
    await pause(count.polls === 0 ? 0 : Math.max(leastMs, sinceMs() * SPACING));
    count.polls += 1;
    try {
      const target = { externalId };
      const response = await runtime.client.send(outbound(integration.status, target, 'poll'), asked.signal);
      note(readAnswer(runtime, integration.status, response, target, 'status response').word, sinceMs());
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === 'NOT_FOUND') count.notFound += 1;
      else if (!failure.retryable) throw error;
      else await pause(waitBeforeNext(failure, leastMs));
    }
  }
  return { sample, externalId, words, ...count, hasEnded: hasEnded() };
}

function waitBeforeNext(failure: Failure, leastMs: number): number {
  return failure.retryAfterMs === undefined ? leastMs : waitOf(failure);
}

function isOver(seen: SeenWord | undefined): boolean {
  return seen !== undefined && seen.means !== null && seen.means !== 'PROCESSING';
}
