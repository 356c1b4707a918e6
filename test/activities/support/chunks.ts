import { z } from 'zod';
import type { ServiceRuntime } from '../../../src/activities/index.ts';
import type { Services } from '../../../src/activities/services.ts';
import type { LookChunkRequest } from '../../../src/contracts/batch.ts';
import type { OutboundRequest } from '../../../src/http/types.ts';
import { scriptedService, type ScriptedService, type ScriptedServiceOptions } from '../../helpers/scripted.ts';

export const NOW = 1_000_000;

/** A scripted service whose jobs are `k-0`, `k-1` and so on. */
export interface ChunkBench {
  readonly service: ScriptedService;
  readonly services: Services;
  /** All that was sent, as the client got it. */
  readonly sent: readonly OutboundRequest[];
  /** Keys of the jobs that were asked for, in order. */
  readonly asked: () => string[];
}

export function chunkBench(
  options: Partial<ScriptedServiceOptions> = {},
  change: (runtime: ServiceRuntime) => ServiceRuntime = (same) => same,
): ChunkBench {
  const service = scriptedService({
    service: 'scripted',
    config: 'polling: { grace_ms: 0, initial_ms: 1000, factor: 2, max_ms: 60000 }',
    ...options,
  });
  const sent: OutboundRequest[] = [];
  const { client } = service.runtime;
  const runtime = change({
    ...service.runtime,
    client: {
      ...client,
      send: (request, signal) => {
        sent.push(request);
        return client.send(request, signal);
      },
    },
  });
  return {
    service,
    services: { get: () => runtime, has: () => false },
    sent,
    asked: () => sent.map(({ path }) => /k-\d+/.exec(path)?.[0] ?? path),
  };
}

/** What all requests for a chunk say. */
export const CHUNK = {
  batch: { service: 'scripted', name: 'november', part: 0 },
  route: 'live',
  deadlineAtMs: NOW + 3_600_000,
} as const;

/** A look at so many jobs. */
export function lookAt(count: number, more: Partial<LookChunkRequest> = {}): LookChunkRequest {
  const jobs = Array.from({ length: count }, (_, nth) => ({
    key: `k-${nth}`,
    generation: 1,
    unit: `u-${nth}`,
    externalId: `x-k-${nth}~1`,
  }));
  return { ...CHUNK, hinted: false, round: 0, sinceMs: NOW, jobs, ...more };
}

/** The same service with a list; what it says is the script of {@link LIST}. */
export function withList(isWhole: boolean): (runtime: ServiceRuntime) => ServiceRuntime {
  const job = z.object({ id: z.string(), status: z.string(), result: z.json().optional() });
  return (runtime) => ({
    ...runtime,
    integration: {
      ...runtime.integration,
      list: {
        isWhole,
        request: ({ limit, updatedAfter, cursor }) => ({
          method: 'GET',
          path: '/jobs',
          query: { limit, updated_after: updatedAfter, ...(cursor === undefined ? {} : { cursor }) },
        }),
        response: z.object({ items: z.array(job), next: z.string().optional() }),
        read: ({ items, next }: { readonly items: z.infer<typeof job>[]; readonly next?: string }) => ({
          jobs: items.map(({ id, status, result }) => ({ externalId: id, word: status, result })),
          ...(next === undefined ? {} : { next }),
        }),
      },
    },
  });
}

/** Under which key the scripted service looks up what its list says. */
export const LIST = 'job';
