import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { createRolloutActivities } from '../../../src/activities/index.ts';
import { currentContext } from '../../../src/activities/activity-context.ts';
import { INITIAL_CONTROL, type ControlState } from '../../../src/contracts/control.ts';
import { changed, renewed } from '../../../src/rules/control.ts';
import type { SampledJob } from '../../../src/rules/rollout/collect.ts';
import type { RolloutActivities, WatchAnswer } from '../../../src/rules/rollout/messages.ts';

/** Jobs are looked at every second this long after one has started: by then all there is to know of it is counted. */
const OF_INTEREST_MS = 15_000;
const JOB_TAKES_MS = 2_000;

/** A rollout's world in which time is the server's, and jobs come when they are said to. */
export interface Simulation {
  readonly activities: RolloutActivities;
  readonly control: () => ControlState;
  /** Jobs so far. */
  readonly jobs: () => readonly SampledJob[];
}

/**
 * The worker's own watch on a time-skipping server. No time is skipped while an activity runs, so an attempt lives through its
 * watch on a clock of its own, second by second where jobs are about, and then has itself repeated at the time it came to, when
 * it gives its answer. An attempt leaves no event in a history: the workflow's are those of a real rollout.
 * @param nowMs the server's time
 * @param nextStartMs when the next job starts, given when the one before did
 */
export function simulate(
  nowMs: () => Promise<number>,
  firstStartMs: number,
  nextStartMs: (afterMs: number) => number,
): Simulation {
  let control = INITIAL_CONTROL;
  let clockMs = firstStartMs;
  let dueMs = firstStartMs;
  const jobs: SampledJob[] = [];
  const answers = new Map<string, { readonly answer: WatchAnswer; readonly atMs: number }>();

  const startDue = (): void => {
    for (; dueMs <= clockMs; dueMs = nextStartMs(dueMs)) {
      const name = `job-${jobs.length}`;
      const finishedMs = dueMs + JOB_TAKES_MS;
      const { stage = '' } = control;
      jobs.push({
        workflowId: name,
        runId: name,
        stage,
        route: stage.endsWith(':dev-sandbox') ? 'fallback' : 'live',
        startedMs: dueMs,
        finishedMs,
        end: 'good',
        costMicros: 10_000,
      });
    }
  };
  const read = async ({ fromMs }: { readonly fromMs: number }): Promise<readonly SampledJob[]> => {
    startDue();
    const shown: SampledJob[] = [];
    for (let nth = jobs.length - 1; nth >= 0; nth -= 1) {
      const job = jobs[nth];
      if (job?.finishedMs === undefined || job.finishedMs < fromMs) break;
      const { finishedMs, end: _end, costMicros: _cost, ...open } = job;
      shown.push(finishedMs <= clockMs ? job : open);
    }
    return shown;
  };
  const real = createRolloutActivities({
    readControl: async () => control,
    setWeight: async (_service, change) => (control = changed(control, 'setWeight', change, clockMs)),
    renewLease: async (_service, renewal) => void (control = renewed(control, renewal)),
    source: { read },
    outage: async () => undefined,
    cancelJob: async () => undefined,
    now: () => clockMs,
    sleep: async (ms) => {
      const busy = clockMs - (jobs.at(-1)?.startedMs ?? -Infinity) < OF_INTEREST_MS;
      clockMs = busy ? clockMs + ms : Math.max(clockMs + ms, Math.min(dueMs, clockMs + 60_000));
    },
    context: () => ({ ...currentContext(), heartbeat: () => undefined }),
  });
  return {
    control: () => control,
    jobs: () => jobs,
    activities: {
      ...real,
      watchStage: async (request) => {
        const { attempt, activityId, workflowExecution } = activityInfo();
        const key = `${workflowExecution?.runId}:${activityId}`;
        const serverMs = await nowMs();
        if (attempt === 1) {
          clockMs = serverMs;
          const answer = await real.watchStage(request);
          answers.set(key, { answer, atMs: clockMs });
        }
        const found = answers.get(key);
        if (found === undefined) throw new Error(`${key} was never watched`);
        if (found.atMs > serverMs) {
          throw ApplicationFailure.create({ message: 'not yet', nextRetryDelay: found.atMs - serverMs });
        }
        answers.delete(key);
        return found.answer;
      },
    },
  };
}
