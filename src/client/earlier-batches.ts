import type { Client } from '@temporalio/client';
import type { BatchInput, BatchPart } from '../contracts/batch.ts';
import { mayHold } from '../rules/key-filter.ts';
import { listParts, partsQuery, type PartInfo } from './batch-parts.ts';
import { translating } from './errors.ts';
import { firstArgument } from './first-argument.ts';

/** For how long a service's parts are known, in milliseconds: a batch whose keys were used before asks for each of them. */
const KNOWN_MS = 5_000;
/** The same, for a key that is in none of them: one that has started since may have it. */
const MISSED_MS = 250;
/** Parts whose keys are kept. */
const KEPT_PARTS = 16;
/** So many are worth trying. */
const MOST_PLACES = 4;

/**
 * Finds the parts of batches that have a job with a key, the latest first: by what each part says of its keys in its memo, reading
 * those that may have it.
 */
export function createEarlierBatches(
  client: Client,
  nowMs: () => number,
): (service: string, key: string, isWanted: (part: BatchPart) => boolean) => Promise<readonly BatchPart[]> {
  const listed = new Map<string, { readonly atMs: number; readonly parts: Promise<readonly PartInfo[]> }>();
  const keysOf = new Map<string, Promise<ReadonlySet<string>>>();

  const partsOf = (service: string, maxAgeMs: number): Promise<readonly PartInfo[]> => {
    const known = listed.get(service);
    if (known !== undefined && nowMs() - known.atMs < maxAgeMs) return known.parts;
    const parts = latestFirst(client, service);
    listed.set(service, { atMs: nowMs(), parts });
    parts.catch(() => listed.delete(service));
    return parts;
  };

  const keysIn = ({ workflowId, firstRunId }: PartInfo): Promise<ReadonlySet<string>> => {
    const known = keysOf.get(firstRunId);
    if (known !== undefined) return known;
    const reading = firstArgument<BatchInput>(client, workflowId, firstRunId).then(
      ({ jobs }) => new Set(jobs.map(({ key }) => key)),
    );
    keysOf.set(firstRunId, reading);
    reading.catch(() => keysOf.delete(firstRunId));
    const [oldest] = keysOf.keys();
    if (keysOf.size > KEPT_PARTS && oldest !== undefined) keysOf.delete(oldest);
    return reading;
  };

  return async (service, key, isWanted) => {
    const find = async (maxAgeMs: number): Promise<readonly BatchPart[]> => {
      const places: BatchPart[] = [];
      for (const part of await partsOf(service, maxAgeMs)) {
        const place = { service, name: part.memo.batch, part: part.memo.part };
        if (!isWanted(place) || !mayHold(part.memo.keys, key) || !(await keysIn(part)).has(key)) continue;
        places.push(place);
        if (places.length === MOST_PLACES) break;
      }
      return places;
    };
    const places = await find(KNOWN_MS);
    return places.length > 0 ? places : find(MISSED_MS);
  };
}

async function latestFirst(client: Client, service: string): Promise<readonly PartInfo[]> {
  const parts: PartInfo[] = [];
  await translating(async () => {
    for await (const part of listParts(client, partsQuery(service))) parts.push(part);
  });
  return parts.toSorted((a, b) => b.startedMs - a.startedMs);
}
