import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { interfere, type Interfered } from './interfere.ts';
import { readStory, unearnedRises } from './story.ts';

export interface Interleavings {
  readonly client: Client;
  /** Leads the names of their services. */
  readonly name: string;
  readonly firstSeed: number;
  readonly seeds: number;
  /** What happens to the workers meanwhile, over and over. */
  readonly disturb: (nth: number) => Promise<void>;
  readonly everyMs: number;
}

/** Has as many rollouts as there are seeds interfered with, side by side, while their workers come and go. */
export async function interleave(options: Interleavings): Promise<readonly Interfered[]> {
  const { client, name, firstSeed, seeds, disturb, everyMs } = options;
  const over = new AbortController();
  const disturbing = (async () => {
    for (let nth = 0; ; nth += 1) {
      await sleep(everyMs, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      await disturb(nth);
    }
  })();
  try {
    return await Promise.all(Array.from({ length: seeds }, (_, nth) => interfere(client, name, firstSeed + nth)));
  } finally {
    over.abort();
    await disturbing;
  }
}

/** What the histories of interleavings add up to. */
export interface Audit {
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
  let [controlStates, rises, runs, hit] = [0, 0, 0, 0];
  const ends = { DONE: 0, ABORTED: 0, TERMINATED: 0 };
  for (const { seed, service, plan, firstRunId, end } of interfered) {
    const story = await readStory(client, service, firstRunId);
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
  return { wrong, controlStates, rises, runs, hit, ends };
}
