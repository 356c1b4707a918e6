import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Interfered, Surroundings } from './interfere.ts';
import { readStory, unearnedRises } from './story.ts';

/**
 * Does something while others are disturbed, over and over.
 * @param disturb told how often it has been
 */
export async function whileDisturbed<T>(
  everyMs: number,
  disturb: (nth: number) => Promise<void>,
  what: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const disturbing = (async () => {
    for (let nth = 0; ; nth += 1) {
      await sleep(everyMs, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      await disturb(nth);
    }
  })();
  try {
    return await what();
  } finally {
    over.abort();
    await disturbing;
  }
}

/** Where a rollout lives in people's own time. */
export const IN_OUR_TIME: Surroundings = {
  nowMs: async () => Date.now(),
  sleep: (ms) => sleep(ms),
  pace: 1,
  tells: true,
};

/** What the histories of interleavings add up to. */
export interface Audit {
  /** Rollouts of which the server has lost a part of a history, which nothing can be told of. */
  readonly torn: number;
  /** Weights that rose or stayed where they must not, by seed; empty as it should be. */
  readonly wrong: readonly string[];
  readonly controlStates: number;
  readonly rises: number;
  /** Runs of the rollouts' workflows. */
  readonly runs: number;
  /** Rollouts that lost an activity with a worker. */
  readonly hit: number;
  readonly ends: Readonly<Record<Interfered['end'], number>>;
}

/** Looks through the whole history of each rollout and of its control state. */
export async function audit(client: Client, interfered: readonly Interfered[]): Promise<Audit> {
  const wrong: string[] = [];
  let [torn, controlStates, rises, runs, hit] = [0, 0, 0, 0, 0];
  const ends = { DONE: 0, ABORTED: 0, TERMINATED: 0 };
  for (const { seed, service, plan, firstRunId, end } of interfered) {
    const story = await readStory(client, service, firstRunId);
    if (!story.isWhole) {
      torn += 1;
      continue;
    }
    const weights = story.controls.map(({ state }) => state.weightBps);
    wrong.push(...unearnedRises(story, plan).map((problem) => `seed ${seed}: ${problem}`));
    const last = story.controls.at(-1)?.state;
    const left = end === 'DONE' ? 10_000 : plan.safeWeightBps;
    const isLeft = last?.weightBps === left && last.lease === undefined;
    // A terminated one's weight falls with its lease, which is longer than this; and what a person set is theirs.
    if (end !== 'TERMINATED' && !isLeft && last?.changed?.actor !== 'ana')
      wrong.push(`seed ${seed}: ${end} at ${JSON.stringify(last)}`);
    controlStates += weights.length;
    rises += weights.filter((weight, nth) => weight > (weights[nth - 1] ?? weight)).length;
    runs += story.runs;
    hit += story.lost > 0 ? 1 : 0;
    ends[end] += 1;
  }
  return { torn, wrong, controlStates, rises, runs, hit, ends };
}
