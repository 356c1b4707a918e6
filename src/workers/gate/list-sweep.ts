import { outbound, mappedState, readAnswer, toObservation } from '../../activities/observe.ts';
import { jobWorkflowId, parseJobReference } from '../../contracts/ids.ts';
import type { WebhookHint } from '../../contracts/jobs.ts';
import type { Integration, RemoteJob } from '../../definition/index.ts';
import { sweep } from '../../http/pages.ts';
import type { ServiceRuntime } from '../../activities/index.ts';
import type { ServiceClient } from '../../http/types.ts';

/** Passes over a service's list of jobs. */
export interface ListSweep {
  /** Reads what has changed since the last pass and tells the jobs that are over. Rejects where either fails; the next pass begins there again. */
  readonly pass: (signal: AbortSignal) => Promise<void>;
  /** Nobody waits: what changed until now need not be read. */
  readonly skip: () => void;
}

const PAGE_SIZE = 100;
const MAX_PAGES = 1_000;
/** Signals under way at once. */
const TELLING = 16;
/** How far back the first pass goes, in milliseconds: to what changed while nobody held the gate. Polls find what is older. */
const FIRST_LOOK_BACK_MS = 15 * 60_000;
/** How far our clock may be ahead of the service's, in milliseconds, where its answers carry no date. */
const CLOCK_TOLERANCE_MS = 60_000;
/** A date in a header is whole seconds, and what is listed may lag behind what is. */
const DATE_TOLERANCE_MS = 2_000;

/** Makes the sweep of an integration's list; undefined where it has none. */
export function createListSweep(deps: {
  readonly integration: Integration;
  readonly client: ServiceClient;
  readonly onUnknown?: ServiceRuntime['onUnknown'];
  /** Signals a job; one that is over or unknown is no error. */
  readonly tell: (workflowId: string, hint: WebhookHint) => Promise<void>;
  readonly nowMs: () => number;
}): ListSweep | undefined {
  const { integration, client, tell, nowMs } = deps;
  const { list } = integration;
  if (list === undefined) return undefined;
  let sinceMs = nowMs() - FIRST_LOOK_BACK_MS;
  let told = new Set<string>();

  const hintOf = (job: RemoteJob): { readonly workflowId: string; readonly hint: WebhookHint } | undefined => {
    const ours = parseJobReference(job.reference ?? '');
    const state = mappedState(integration, job.word);
    if (ours === undefined || state === undefined || state === 'PROCESSING') return undefined;
    const { key, generation } = ours;
    const isWhole = list.isWhole === true || state !== 'COMPLETED';
    const hint: WebhookHint = {
      eventId: `sweep ${job.externalId} ${job.word}`,
      state,
      externalId: job.externalId,
      generation,
      ...(isWhole ? { observation: toObservation(integration, job) } : {}),
      receivedAtMs: Math.round(nowMs()),
      swept: true,
    };
    return { workflowId: jobWorkflowId(integration.service, key), hint };
  };

  return {
    skip: () => {
      sinceMs = nowMs() - CLOCK_TOLERANCE_MS;
    },
    pass: async (signal) => {
      let reachedMs: number | undefined;
      const updatedAfter = new Date(sinceMs).toISOString();
      const jobs = sweep<RemoteJob>({
        idOf: ({ externalId, word }) => `${externalId} ${word}`,
        maxPages: MAX_PAGES,
        fetch: async (cursor) => {
          const context = { limit: PAGE_SIZE, updatedAfter, ...(cursor === undefined ? {} : { cursor }) };
          const response = await client.send(outbound(list, context, 'list'), signal);
          const dateMs = Date.parse(response.headers['date'] ?? '');
          reachedMs ??= Number.isNaN(dateMs) ? nowMs() - CLOCK_TOLERANCE_MS : dateMs - DATE_TOLERANCE_MS;
          const { jobs: items, next } = readAnswer(deps, list, response, context, 'list response');
          return { items, next };
        },
      });
      const telling = new Set<Promise<void>>();
      const now = new Set<string>();
      try {
        for await (const job of jobs) {
          const news = hintOf(job);
          if (news === undefined) continue;
          now.add(news.hint.eventId);
          if (told.has(news.hint.eventId)) continue;
          const each = tell(news.workflowId, news.hint);
          telling.add(each);
          void each.then(
            () => telling.delete(each),
            () => undefined,
          );
          if (telling.size >= TELLING) await Promise.race(telling);
        }
      } finally {
        await Promise.allSettled(telling);
      }
      await Promise.all(telling);
      told = now;
      sinceMs = reachedMs ?? sinceMs;
    },
  };
}
