import { setTimeout as sleep } from 'node:timers/promises';
import {
  Worker,
  type ActivitySlotInfo,
  type CustomSlotSupplier,
  type WorkerOptions,
  type WorkerTuner,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { ControlState } from '../../contracts/control.ts';
import { GATE_HEARTBEAT_TIMEOUT_MS } from '../../contracts/gate.ts';
import { bulkQueue, readQueue, submitQueue } from '../../contracts/queues.ts';
import type { JobPolicy } from '../../contracts/jobs.ts';
import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import type { Route } from '../../contracts/states.ts';
import type { OutboundRequest } from '../../http/types.ts';
import { createGateSchedule, type GateSnapshot, type GateSpec } from '../../rules/gate/schedule.ts';
import type { SendClass } from '../../rules/gate/send-class.ts';
import { CHUNK_CONCURRENCY } from '../../activities/index.ts';
import type { ServiceConfig } from '../../definition/index.ts';
import type { OpenJobsReading } from '../metrics/open-jobs.ts';
import { createTermMetrics } from '../metrics/term.ts';
import { createDispatcher } from './dispatcher.ts';
import { startFrom, toJson } from './gate-state.ts';
import type { BeginTerm } from './hold-gate.ts';
import type { GateSeat } from './seat.ts';
import { createSlots } from './slots.ts';
import type { ListSweep } from './list-sweep.ts';
import { startWaitingJobs } from './waiting-jobs.ts';

/** One lane whose gate this process may hold. */
export interface GatedLane {
  readonly service: string;
  readonly route: Route;
  readonly config: ServiceConfig;
  readonly prices: JobPolicy['prices'];
  readonly seat: GateSeat;
  /** How many of its jobs are polled for. */
  readonly countPolled: () => Promise<number>;
  /** The service's jobs under way; absent where another lane counts them. */
  readonly readOpenJobs: (() => Promise<OpenJobsReading>) | undefined;
  /** Of the service's list, where it has one. */
  readonly createSweep: () => ListSweep | undefined;
  /** What the inner workers run, by queue. */
  readonly activities: Readonly<Record<Queue, object>>;
}

/** Queues of a lane. On `bulk` are the chunks of batches, whose requests are of either class. */
const QUEUES = ['submit', 'read', 'bulk'] as const;
type Queue = (typeof QUEUES)[number];

/** How often slots, budget and alarms are looked at, in milliseconds. */
const TICK_MS = 100;
/** How often the control state is read for the budget, in milliseconds. */
const CONTROL_EVERY_MS = 1_000;
/** A wait this short is spent in the process; for a longer one no task is fetched at all. */
const SHORT_HOLD_MS = 1_000;
/** Tasks in hand for each request the pace allows within one round trip and a second: what waits beyond stays in Temporal. */
const TASKS_PER_TURN = 1.5;
const MAX_SLOTS = 256;
/** Chunks in hand: single jobs take turns with few of them. */
const MAX_CHUNKS = 16;
/** What is set aside ahead of spending: several heartbeats' worth. A crash leaves at most that unspent until the window turns. */
const SPENT_AHEAD_MS = 1_000;
/** How long a new term waits for the workers of the last to stop, in milliseconds; then another process may have it. */
const DRAINING_MS = 1_000;
/** Without a request in hand for that long a term is idle, in milliseconds. */
const IDLE_AFTER_MS = 2_000;
/** How much a new round trip counts in the average. */
const ROUND_TRIP_WEIGHT = 0.2;

/** Epoch milliseconds that never run backwards. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Makes the terms of the gates this process may hold: inner workers on the service's queues, paced by one schedule. */
export function createTerms(deps: {
  /** By lane: see `laneOf`. */
  readonly lanes: ReadonlyMap<string, GatedLane>;
  readonly shared: Omit<WorkerOptions, 'taskQueue'>;
  readonly readControl: (service: string) => Promise<ControlState>;
  readonly logger: Logger;
  readonly metrics: MetricRecorder;
}): {
  readonly begin: BeginTerm;
  /** Resolves once the inner workers of ended terms have stopped. */ readonly drained: () => Promise<void>;
} {
  const draining = new Map<string, Promise<unknown>>();

  const begin: BeginTerm = async ({ lane, left, mayLeave }) => {
    const gated = deps.lanes.get(lane);
    if (gated === undefined) throw new Error(`holdGate of ${lane} reached a worker without that lane`);
    const { service, route } = gated;
    if (draining.has(lane)) await Promise.race([draining.get(lane), sleep(DRAINING_MS)]);
    if (draining.has(lane)) throw new Error(`Requests of the last term of ${lane} are still under way in this process`);
    const schedule = createGateSchedule(specOf(gated), nowMs(), startFrom(left, GATE_HEARTBEAT_TIMEOUT_MS));
    let roundTripMs = 50;
    let skewMs: number | undefined;
    let busyMs = nowMs();
    const charge = (request: OutboundRequest, micros: number): void => {
      if (micros !== 0) schedule.charge(micros, request.owner ?? {}, nowMs());
    };
    const dispatcher = createDispatcher({
      service: lane,
      schedule,
      mayLeave,
      nowMs,
      onGranted: (request) => {
        busyMs = nowMs();
        charge(request, correction(request, gated.prices));
      },
      onSent: ({ request, observation }) => {
        if (observation === undefined) return charge(request, -correction(request, gated.prices));
        roundTripMs += (observation.elapsedMs - roundTripMs) * ROUND_TRIP_WEIGHT;
        skewMs = observation.skew?.offsetMs ?? skewMs;
        const { arrival } = observation.failure ?? {};
        const bought = correction(request, gated.prices) === 0 && request.kind === 'submit';
        const returned = bought && (arrival === 'never' || arrival === 'refused');
        if (returned) charge(request, -gated.prices.perJobMicros);
        const { perRequestMicros, perJobMicros } = gated.prices;
        measured.paid(request.kind, perRequestMicros + (bought && !returned ? perJobMicros : 0));
      },
      onWaited: (turn, waitedMs, granted) => measured.waited(turn, waitedMs, granted),
    });
    const measured = createTermMetrics({
      metrics: deps.metrics,
      lane: { service, route },
      read: () => ({
        view: schedule.view(nowMs()),
        waiting: dispatcher.waiting(),
        inFlight: dispatcher.inFlight(),
        skewMs,
      }),
      readOpenJobs: gated.readOpenJobs,
      nowMs,
    });
    const slots = { submit: createSlots(), read: createSlots(), bulk: createSlots() };
    const queues = { submit: submitQueue(lane), read: readQueue(lane), bulk: bulkQueue(lane) };
    const workers = await Promise.all(
      QUEUES.map((queue) =>
        Worker.create({
          ...deps.shared,
          taskQueue: queues[queue],
          activities: gated.activities[queue],
          tuner: tunerOf(slots[queue].supplier),
          // What a chunk has done is told often: it is what a successor need not repeat.
          ...(queue === 'bulk' ? { maxHeartbeatThrottleInterval: '500ms' as const } : {}),
        }),
      ),
    );
    const runs = workers.map((worker) => worker.run());
    const broken = Promise.race(runs).then((): never => {
      throw new Error(`A worker on a queue of ${service} stopped by itself`);
    });
    broken.catch(() => undefined);

    const adjustSlots = (): void => {
      const { rate, breaker } = schedule.view(nowMs());
      const perSecond = (rate.limit * 1_000) / rate.windowMs;
      const most = Math.ceil(Math.max(2, Math.min(MAX_SLOTS, perSecond * (1 + roundTripMs / 1_000) * TASKS_PER_TURN)));
      const probing = breaker.state !== 'closed';
      const canPass = (kind: SendClass): boolean => dispatcher.holdMs(kind) <= SHORT_HOLD_MS && mayLeave();
      for (const kind of ['submit', 'read'] as const) slots[kind].limit(canPass(kind) ? (probing ? 1 : most) : 0);
      const chunks = Math.min(MAX_CHUNKS, 1 + Math.ceil((perSecond * roundTripMs) / 1_000 / CHUNK_CONCURRENCY));
      slots.bulk.limit(canPass('submit') || canPass('read') ? (probing ? 1 : Math.max(2, chunks)) : 0);
    };
    let controlReadMs = -Infinity;
    const tick = (): void => {
      const waiting = Object.values(dispatcher.waiting());
      if (dispatcher.inFlight() > 0 || waiting.some((count) => count > 0)) busyMs = nowMs();
      adjustSlots();
      dispatcher.wake();
      measured.tick();
      for (const { window, level, spentMicros, limitMicros } of schedule.takeAlarms(nowMs())) {
        deps.logger.warn(
          { service, window, level, spentMicros, limitMicros },
          `The ${window} budget of ${service} is ${level}.`,
        );
      }
      if (nowMs() - controlReadMs < CONTROL_EVERY_MS) return;
      controlReadMs = nowMs();
      void deps.readControl(service).then(
        ({ budget }) => schedule.setBudget(budget, nowMs()),
        () => undefined, // Temporal is away: the lease ends by itself
      );
    };
    schedule.setBudget((await deps.readControl(service)).budget, nowMs());
    const waitingJobs = startWaitingJobs({
      service: lane,
      count: gated.countPolled,
      sweep: gated.createSweep(),
      rate: () => schedule.view(nowMs()).rate,
      spacingMs: gated.config.polling.initial_ms,
      logger: deps.logger,
    });
    const unseat = gated.seat.take({
      acquire: dispatcher.acquire,
      leastPollMs: waitingJobs.leastPollMs,
      isDown: () => schedule.view(nowMs()).breaker.state !== 'closed',
      passesAtOnce: () => schedule.view(nowMs()).breaker.state === 'closed' && dispatcher.passesAtOnce('read'),
    });
    const ticking = setInterval(tick, TICK_MS);
    tick();

    let taken: GateSnapshot | undefined;
    let ending: Promise<void> | undefined;
    const end = async (because: string): Promise<void> => {
      clearInterval(ticking);
      unseat();
      measured.end();
      for (const queue of QUEUES) slots[queue].limit(0);
      const idle = dispatcher.close(because);
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      const stopped = Promise.allSettled([...runs, waitingJobs.stop()]);
      draining.set(lane, stopped);
      void stopped.then(() => draining.delete(lane));
      await idle;
    };
    return {
      snapshot: () => {
        taken = schedule.snapshot(nowMs());
        return toJson({ version: 1, schedule: taken, view: schedule.view(nowMs()) });
      },
      finalSnapshot: () =>
        toJson({ version: 1, schedule: schedule.finalSnapshot(nowMs()), view: schedule.view(nowMs()) }),
      acknowledged: () => {
        if (taken !== undefined) schedule.acknowledged(taken);
        dispatcher.wake();
      },
      isIdle: () => nowMs() - busyMs > IDLE_AFTER_MS,
      end: (because) => (ending ??= end(because)),
      broken,
    };
  };

  return {
    begin,
    drained: async () => {
      while (draining.size > 0) await Promise.all(draining.values());
    },
  };
}

function specOf({ config, prices }: GatedLane): GateSpec {
  const { qps_cap, window_ms, burst, concurrency } = config.service.rate_limit;
  return {
    rate: {
      cap: qps_cap,
      windowMs: window_ms,
      ...(burst === undefined ? {} : { burst }),
      ...(concurrency === undefined ? {} : { concurrency }),
    },
    aheadMs: SPENT_AHEAD_MS,
    prices: { submit: prices.perJobMicros + prices.perRequestMicros, read: prices.perRequestMicros },
  };
}

/** The schedule counts each request of the submit class as a new job; uploads and repetitions buy none. */
function correction({ kind, repeats }: OutboundRequest, prices: JobPolicy['prices']): number {
  return kind === 'upload' || (kind === 'submit' && repeats) ? -prices.perJobMicros : 0;
}

/** Our slots for activities; the other kinds are not used by a worker without workflows. */
function tunerOf(activityTaskSlotSupplier: CustomSlotSupplier<ActivitySlotInfo>): WorkerTuner {
  const fixed = { type: 'fixed-size', numSlots: 1 } as const;
  return {
    activityTaskSlotSupplier,
    workflowTaskSlotSupplier: fixed,
    localActivityTaskSlotSupplier: fixed,
    nexusTaskSlotSupplier: fixed,
  };
}
