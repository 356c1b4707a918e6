import { CancelledFailure } from '@temporalio/common';
import type { ControlChanges, ControlState, LeaseRenewal } from '../contracts/control.ts';
import { laneOf } from '../contracts/queues.ts';
import { PlaybookError } from '../contracts/errors.ts';
import type { Collected, SampledJob } from '../rules/rollout/collect.ts';
import { collect, noteOutage, readFromMs } from '../rules/rollout/collect.ts';
import { markOf, stageKey } from '../rules/rollout/messages.ts';
import type { RolloutActivities, Safe, WatchAnswer, WatchRequest } from '../rules/rollout/messages.ts';
import { watchersOf } from '../rules/rollout/plan.ts';
import { isBlind, judgeStage } from '../rules/slo/stage.ts';
import { currentContext } from './activity-context.ts';

/** Where samples come from. Must show a job within a second of its end, and may show it as often as it likes. */
export interface SampleSource {
  /** Every job of a rollout that runs, or ended at or after `fromMs`. */
  readonly read: (query: SampleQuery) => Promise<readonly SampledJob[]>;
}

export interface SampleQuery {
  readonly service: string;
  /** The rollout's id. */
  readonly rollout: string;
  readonly fromMs: number;
}

/** How a rollout touches the world. */
export interface RolloutPorts {
  readonly readControl: (service: string) => Promise<ControlState>;
  readonly setWeight: (service: string, change: ControlChanges['setWeight']) => Promise<ControlState>;
  readonly renewLease: (service: string, renewal: LeaseRenewal) => Promise<void>;
  readonly source: SampleSource;
  /** Since when a lane's service is down for everyone; `undefined` while it is not. */
  readonly outage: (lane: string) => Promise<{ readonly sinceMs: number } | undefined>;
  /** Asks one unfinished job of a rollout to cancel. */
  readonly cancelJob: (workflowId: string) => Promise<void>;
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  readonly context?: typeof currentContext;
}

const EVERY_MS = 1_000;
/** An end is visible by then: what is not, has not ended. */
const SETTLED_MS = 1_000;
const NEWS_EVERY_MS = 10_000;
const ANSWER_WITHIN_MS = 3_600_000;
/** Jobs whose admission was under way when the weight fell show by then. */
const STRAGGLERS_MS = 3_000;

/** Activities of the `rollout` workflow. */
export function createRolloutActivities(ports: RolloutPorts): RolloutActivities {
  const context = ports.context ?? currentContext;
  return {
    applyStage: async ({ service, holder, weightBps, allow, watched, mark, actor, reason }) => {
      const now = await ports.readControl(service);
      const wanted = markOf({ enabled: true, weightBps, allow, ...(watched && { stage: watched.stage }) });
      // An attempt before this one may have done it without hearing of it.
      if (markOf(now) === wanted && now.lease?.holder === (watched && holder)) return { type: 'applied', mark: wanted };
      if (mark !== undefined && markOf(now) !== mark) return { type: 'changed', what: lastChange(now) };
      const { revision: expectedRevision } = now;
      const change = { actor, reason, expectedRevision, enabled: true, weightBps, allow };
      const after = await ports.setWeight(
        service,
        watched === undefined
          ? change
          : {
              ...change,
              stage: watched.stage,
              lease: {
                holder,
                untilMs: ports.now() + watched.leaseMs,
                safeWeightBps: watched.safe.weightBps,
                safeAllow: watched.safe.allow,
              },
            },
      );
      return { type: 'applied', mark: markOf(after) };
    },
    applySafe: async ({ service, safe, actor, reason }) => {
      // Even where it is safe already: an attempt to set a stage's weight that is still under way expects the revision before.
      await ports.setWeight(service, { actor, reason, weightBps: safe.weightBps, allow: safe.allow });
      const after = await ports.readControl(service);
      if (hasSafe(after, safe)) return;
      throw new PlaybookError(
        'INTERNAL',
        `The safe weight of ${service} was set, and is not what is read: ${lastChange(after)}`,
      );
    },
    cancelRest: async ({ service, rollout }) => {
      const { signal, heartbeat, heartbeatDetails } = context();
      const told = new Set(heartbeatDetails as readonly string[] | undefined);
      let newestMs = ports.now();
      while (!signal.aborted && ports.now() - newestMs < STRAGGLERS_MS) {
        const jobs = await ports.source.read({ service, rollout, fromMs: ports.now() });
        for (const { workflowId, finishedMs, route } of jobs) {
          if (finishedMs !== undefined || route !== 'live' || told.has(workflowId)) continue;
          await ports.cancelJob(workflowId);
          told.add(workflowId);
          newestMs = ports.now();
          heartbeat([...told]);
        }
        heartbeat([...told]);
        await ports.sleep(EVERY_MS, signal);
      }
      if (signal.aborted) throw new CancelledFailure('The cancellation was canceled.');
      return told.size;
    },
    watchStage: async (request) => {
      const { signal, heartbeat, heartbeatDetails } = context();
      const { service, id, leaseMs, mark } = request;
      const startedMs = ports.now();
      // What an attempt before this one had collected when its worker died.
      let collected = (heartbeatDetails as Collected | undefined) ?? request.collected;
      let renewedMs = -Infinity;
      while (!signal.aborted) {
        const nowMs = ports.now();
        if (nowMs - renewedMs >= leaseMs / 3) {
          await ports.renewLease(service, { holder: id, untilMs: nowMs + leaseMs });
          renewedMs = nowMs;
        }
        const control = await ports.readControl(service);
        if (mark !== undefined && markOf(control) !== mark) return { type: 'changed', what: lastChange(control) };
        const look = await lookAt(ports, request, collected);
        ({ collected } = look);
        const answer = answerOf(request, look, ports.now(), startedMs);
        if (answer !== undefined) return answer;
        heartbeat(collected);
        await ports.sleep(EVERY_MS, signal);
      }
      throw new CancelledFailure('The watch was canceled.');
    },
  };
}

interface Look {
  readonly collected: Collected;
  readonly unreadable?: string;
}

/** One reading of the source. One that fails counts nothing, and is made up for by the next. */
async function lookAt(
  ports: RolloutPorts,
  { service, id, stage, watchers, routes }: WatchRequest,
  before: Collected,
): Promise<Look> {
  let collected = before;
  try {
    collected = noteOutage(collected, await ports.outage(laneOf(service, stage.route)), ports.now());
    const asOfMs = ports.now() - SETTLED_MS;
    const jobs = await ports.source.read({ service, rollout: id, fromMs: readFromMs(collected, watchers) });
    const counted = jobs.filter((job) => routes[job.stage] === job.route);
    return { collected: collect(collected, counted, stageKey(id, stage), watchers, asOfMs) };
  } catch (error) {
    return { collected, unreadable: error instanceof Error ? error.message : String(error) };
  }
}

function answerOf(
  { stage, watchers, enteredMs, guardOnly, deadlineMs, blind = false, collected: known }: WatchRequest,
  { collected, unreadable }: Look,
  nowMs: number,
  startedMs: number,
): WatchAnswer | undefined {
  const { minSamples, minSoakMs, quietMs, confidence } = stage;
  const verdict = judgeStage(
    { watchers: watchersOf(watchers, stage), minSamples, minSoakMs, quietMs, confidence },
    {
      nowMs,
      enteredMs,
      counters: collected.stage,
      rollout: collected.rollout,
      outage: collected.outages.at(-1) !== undefined && collected.outages.at(-1)?.toMs === undefined,
      ...(unreadable === undefined ? {} : { unreadable }),
    },
  );
  const seen = { collected, verdict };
  if (verdict.action === 'abort') return { type: 'failed', ...seen };
  if (verdict.action === 'promote' && !guardOnly) return { type: 'passed', ...seen };
  if (deadlineMs !== undefined && nowMs >= deadlineMs) return { type: 'deadline', ...seen };
  if (isBlind(verdict) !== blind) return { type: 'progress', ...seen };
  const isNews = JSON.stringify(collected.stage.buckets) !== JSON.stringify(known.stage.buckets);
  const isDue = nowMs - startedMs >= (isNews ? NEWS_EVERY_MS : ANSWER_WITHIN_MS);
  return isDue ? { type: 'progress', ...seen } : undefined;
}

function hasSafe({ weightBps, allow, lease, stage }: ControlState, safe: Safe): boolean {
  const isSame = JSON.stringify(allow.toSorted()) === JSON.stringify(safe.allow.toSorted());
  return weightBps === safe.weightBps && isSame && lease === undefined && stage === undefined;
}

function lastChange({ changed, revision }: ControlState): string {
  return changed === undefined
    ? `it is at revision ${revision}`
    : `${changed.what} by ${changed.actor} (${changed.reason}), revision ${revision}`;
}
