import { setMaxListeners } from 'node:events';
import type { CostOwner } from '../http/types.ts';
import type { BatchPart } from '../contracts/batch.ts';
import type { Route } from '../contracts/states.ts';
import type { Random } from '../rules/backoff.ts';
import type { ActivityContext } from './activity-context.ts';
import { onBehalfOf } from './on-behalf-of.ts';
import type { ServiceRuntime, Services } from './services.ts';

/** Results that one answer of a chunk carries, in bytes of JSON; jobs of further ones are asked for again. */
export const RESULT_BYTES = 256 * 1024;
/** Reads of one chunk under way at once. */
export const READS_AT_ONCE = 8;
const HEARTBEAT_EVERY_MS = 500;

/** What reads of a chunk work with. */
export interface ReadDeps {
  readonly services: Services;
  readonly now: () => number;
  readonly random: Random;
}

/** Does some work on the jobs of a chunk, so many at once, in order; once it is over no further one is begun. */
export async function together(
  indices: Iterable<number>,
  atOnce: number,
  work: (at: number) => Promise<void>,
  isOver: () => boolean = () => false,
): Promise<void> {
  const waiting = [...indices];
  const next = async (): Promise<void> => {
    for (let at = waiting.shift(); at !== undefined && !isOver(); at = waiting.shift()) await work(at);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}

/** Heartbeats while a chunk is worked on. @param atOnce requests under way at once, each of which may listen for the end */
export async function heartbeating<Answer>(
  context: ActivityContext,
  atOnce: number,
  details: () => unknown,
  work: () => Promise<Answer>,
): Promise<Answer> {
  setMaxListeners(4 * atOnce, context.signal);
  context.heartbeat(details());
  const heartbeats = setInterval(() => context.heartbeat(details()), HEARTBEAT_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeats);
  }
}

/** A service on behalf of one job of a batch: batches take turns as one, whatever the unit. */
export function onBehalfOfJob(
  services: Services,
  chunk: { readonly batch: BatchPart; readonly route: Route; readonly tags?: CostOwner['tags'] },
  unit: string,
): ServiceRuntime {
  const { batch, route, tags } = chunk;
  const owner = { unit, ...(tags === undefined ? {} : { tags }) };
  return onBehalfOf(services.get(batch.service, route), owner, `batch ${batch.name}`);
}
