import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { DataConverter, WorkerDeploymentVersion } from '@temporalio/common';
import { Worker, type NativeConnection, type WorkerOptions, type WorkflowBundleOption } from '@temporalio/worker';
import type { ActivityInterceptorsFactory, InjectedSinks, WorkerDeploymentOptions } from '@temporalio/worker';
import type { Sinks } from '@temporalio/workflow';
import type { Logger } from 'pino';
import {
  createAdmissionActivities,
  createBatchReadActivities,
  createBatchSubmitActivities,
  createControlReader,
  createGlanceActivities,
  createNoticeActivities,
  createReadActivities,
  createRolloutActivities,
  createSubmitActivities,
  createWebhookDeliveryActivities,
  openInputFile,
  policyOf,
  type OpenInputFile,
  type SampleSource,
} from '../activities/index.ts';
import { callerTracing } from '../client/caller-tracing.ts';
import { changeControl, ensureGate, readControl, readGate } from '../client/control.ts';
import { readHeldGate } from '../client/held-gate.ts';
import { createEarlierBatches } from '../client/earlier-batches.ts';
import { countOpenJobs, oldestProcessingMs } from '../client/open-jobs.ts';
import { renewLease } from '../client/rollout.ts';
import { cancelJob, readStageJobs } from '../client/stage-samples.ts';
import { gateWorkflowId } from '../contracts/control.ts';
import { gateQueue } from '../contracts/gate.ts';
import { NO_METRICS, type MetricRecorder } from '../contracts/metric-recorder.ts';
import { laneOf, WORKFLOW_QUEUE } from '../contracts/queues.ts';
import type { Route } from '../contracts/states.ts';
import type { TraceSinks } from '../contracts/trace.ts';
import { createGateActivities } from './gate/hold-gate.ts';
import { createGateStateActivities } from './gate/held-state.ts';
import { isOfferedAgain } from './gate/handing-over.ts';
import { countPolled, tellJob } from './gate/job-news.ts';
import { createListSweep } from './gate/list-sweep.ts';
import { logActivities } from './log-activities.ts';
import { readGateState } from './gate/gate-state.ts';
import { createTerms } from './gate/term.ts';
import { recordGate } from './metrics/gate.ts';
import { beginRefusals } from './metrics/requests.ts';
import type { OpenJobsReading } from './metrics/open-jobs.ts';
import { startControlWatch } from './metrics/watch.ts';
import { servicesOf, type GatedRuntime } from './service-runtime.ts';

/** Enough for the jobs that are on the move at any moment; more of them cost memory, fewer cost replays (bench/waiting-jobs.ts). */
const MAX_CACHED_WORKFLOWS = 50;

/** A job that was started by a traced caller tells of itself whether or not this process traces. */
const NO_TRACES: InjectedSinks<TraceSinks & Sinks> = { playbookTrace: { ended: { fn: () => undefined } } };

/** What a worker process is made of. */
export interface JobWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly services: readonly GatedRuntime[];
  /** Where jobs go that are not admitted, for the services whose environment opted into that. @default none */
  readonly fallbacks?: readonly GatedRuntime[];
  readonly logger: Logger;
  /** @default nobody measures */
  readonly metrics?: MetricRecorder;
  /** The prebuilt bundle: started from sources it would take seconds. */
  readonly workflowBundle: WorkflowBundleOption;
  readonly dataConverter?: DataConverter;
  /** Milliseconds running attempts get to finish on shutdown. @default 15_000 */
  readonly shutdownGraceMs?: number;
  /** Where rollouts take their samples from. @default the jobs themselves, by Temporal's visibility */
  readonly samples?: SampleSource;
  /** Workflows kept in memory between their tasks, about 1 MB each. A job that waits needs none. @default 50 */
  readonly maxCachedWorkflows?: number;
  /** Makes an input's bytes available. @default from where its reference says */
  readonly openInputFile?: OpenInputFile;
  /** Follows activities and workflows; not the activity that holds a gate, which never ends. @default nobody does */
  readonly tracing?: { readonly activity: ActivityInterceptorsFactory; readonly sinks: InjectedSinks<Sinks> };
  /** The version of the workflow code, where versions run side by side (docs/deploying.md). @default there is one code only */
  readonly version?: WorkerDeploymentVersion;
  /** The last word on the workflow worker's options: sinks, interceptors. */
  readonly augment?: (options: WorkerOptions) => WorkerOptions;
}

/** Workers of one process: workflows, and each service's submits and reads. */
export interface JobWorker {
  /** Polls until {@link JobWorker.shutdown} or a fatal error. */
  readonly run: () => Promise<void>;
  /** Stops polling; `run` resolves once what is under way has ended. */
  readonly shutdown: () => void;
}

/** Creates the workers; they poll once run. */
export async function createJobWorker(options: JobWorkerOptions): Promise<JobWorker> {
  const { connection, namespace, logger, metrics = NO_METRICS } = options;
  // Explicitly undefined options would override defaults, so absent ones stay absent.
  const converter = options.dataConverter === undefined ? {} : { dataConverter: options.dataConverter };
  const client = new Client({ connection, namespace, ...converter });
  const fallbacks = options.fallbacks ?? [];
  const services = servicesOf(options.services, fallbacks);
  const lanes = [
    ...options.services.map((runtime) => laneWith(runtime, 'live')),
    ...fallbacks.map((runtime) => laneWith(runtime, 'fallback')),
  ];
  const labelsOf = new Map(
    lanes.map(({ lane, route, runtime }) => [lane, { service: runtime.integration.service, route }]),
  );
  const control = createControlReader({ read: (service) => readControl(client, service), nowMs: Date.now });
  const augment = options.augment ?? ((same) => same);
  const io = { services, readControl: control, metrics, now: Date.now, random: Math.random };
  const shared: Omit<WorkerOptions, 'taskQueue'> = {
    connection,
    namespace,
    ...converter,
    shutdownGraceTime: options.shutdownGraceMs ?? 15_000,
  };
  const working = {
    ...shared,
    interceptors: {
      client: { workflow: [callerTracing()] },
      activity: [...(options.tracing === undefined ? [] : [options.tracing.activity]), logActivities],
    },
    sinks: options.tracing?.sinks ?? NO_TRACES,
  };
  const stopping = new AbortController();
  const sending = {
    ...io,
    openInputFile: options.openInputFile ?? openInputFile,
    earlierBatches: createEarlierBatches(client, Date.now),
  };
  const activities = {
    submit: createSubmitActivities(sending),
    read: createReadActivities(io),
    bulk: { ...createBatchSubmitActivities(sending), ...createBatchReadActivities(io) },
  };
  const terms = createTerms({
    shared: working,
    logger,
    metrics,
    readControl: control,
    lanes: new Map(
      lanes.map(({ lane, route, runtime }) => {
        const { integration, config, seat } = runtime;
        const { service } = integration;
        const graceMs = config.polling.grace_ms;
        return [
          lane,
          {
            service,
            route,
            config,
            seat,
            prices: policyOf(runtime).prices,
            activities,
            countPolled: () => countPolled(client, { service, route, graceMs }, Date.now()),
            readOpenJobs: route === 'live' ? () => openJobsOf(client, service) : undefined,
            createSweep: () =>
              createListSweep({
                integration,
                client: runtime.client,
                ...(runtime.onUnknown === undefined ? {} : { onUnknown: runtime.onUnknown }),
                nowMs: Date.now,
                tell: (workflowId, hint) => tellJob(client, workflowId, hint),
              }),
          },
        ];
      }),
    ),
  });
  /** Lanes whose gate this process gives up because it stops. */
  const leaving = new Set<string>();
  const gates = createGateActivities({
    beginTerm: terms.begin,
    stopping: stopping.signal,
    logger,
    onEnded: (lane, end) => {
      if (end === 'stopping') leaving.add(lane);
      const labels = labelsOf.get(lane);
      if (labels !== undefined) metrics.count('playbook_gate_terms_total', { ...labels, end });
    },
  });
  const [workflows, ...elections] = await Promise.all([
    Worker.create(
      augment({
        ...working,
        taskQueue: WORKFLOW_QUEUE,
        ...(options.version === undefined ? {} : { workerDeploymentOptions: deploymentOf(options.version) }),
        workflowBundle: options.workflowBundle,
        activities: {
          ...createAdmissionActivities(io),
          ...createGlanceActivities({ services, nowMs: Date.now }),
          ...createWebhookDeliveryActivities(),
          ...createGateStateActivities(),
          ...createNoticeActivities({ services, logger }),
          ...createRolloutActivities({
            readControl: (service) => readControl(client, service),
            setWeight: (service, change) => changeControl(client, service, 'setWeight', change),
            renewLease: (service, renewal) => renewLease(client, service, renewal),
            source: options.samples ?? { read: (query) => readStageJobs(client, query) },
            outage: (lane) => outageOf(client, lane),
            cancelJob: (workflowId) => cancelJob(client, workflowId),
            now: Date.now,
            sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
          }),
        },
        maxCachedWorkflows: options.maxCachedWorkflows ?? MAX_CACHED_WORKFLOWS,
      }),
    ),
    // One worker for each gate, apart from the flood of jobs: a long poll elsewhere must not swallow the election.
    ...lanes.map(({ lane }) =>
      Worker.create({
        ...shared,
        taskQueue: gateQueue(lane),
        activities: { ...gates },
        maxConcurrentActivityTaskExecutions: 1,
        maxConcurrentActivityTaskPolls: 1,
        maxHeartbeatThrottleInterval: '200ms',
      }),
    ),
  ]);
  let electing: Promise<unknown> = Promise.resolve();
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    stopping.abort();
    elections.forEach(stop);
    // The gates' workflows have a task to do before another process can hold one, and it may be waiting for this one.
    await electing;
    await Promise.all([...leaving].map((lane) => isOfferedAgain(client, lane)));
    stop(workflows);
  };
  const shutdown = (): Promise<void> => (ending ??= end());
  return {
    shutdown: () => void shutdown(),
    run: async () => {
      const electionRuns = elections.map((worker) => worker.run());
      electing = Promise.allSettled(electionRuns);
      const runs = [workflows.run(), ...electionRuns];
      for (const labels of labelsOf.values()) {
        recordGate(metrics, labels, undefined, Date.now());
        beginRefusals(metrics, labels);
      }
      const watch = startControlWatch({
        lanes: [...labelsOf.values()],
        readControl: control,
        isClosed: async ({ service, route }) => (await readGate(client, laneOf(service, route))).closed !== null,
        metrics,
      });
      try {
        const started = Promise.all(lanes.map(({ lane }) => ensureGate(client, lane)));
        await Promise.all([...runs, started]);
      } finally {
        // One that fails ends the others; only once all have stopped may their connection be closed.
        await shutdown();
        await Promise.allSettled([...runs, watch.stop()]);
        await terms.drained();
      }
    },
  };
}

function stop(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}

/**
 * Since when a lane's jobs wait for what is not their service's doing: its breaker is open, as the holder of its gate last said,
 * somebody shut the gate, or the budget is spent.
 */
async function outageOf(client: Client, lane: string): Promise<{ readonly sinceMs: number } | undefined> {
  const { exists, closed } = await readGate(client, lane);
  if (closed !== null) return { sinceMs: closed.atMs };
  if (!exists) return undefined;
  const view = readGateState((await readHeldGate(client, gateWorkflowId(lane))).state)?.view;
  if (view === undefined) return undefined;
  if (view.submitsHeld !== undefined) return { sinceMs: Date.now() };
  return view.breaker.state === 'closed' ? undefined : { sinceMs: view.breaker.sinceMs ?? Date.now() };
}

async function openJobsOf(client: Client, service: string): Promise<OpenJobsReading> {
  const open = await countOpenJobs(client, service);
  return {
    ...open,
    oldestProcessingMs: open.processing === 0 ? 0 : await oldestProcessingMs(client, service, Date.now()),
  };
}

/** Each workflow says itself whether it stays with its code: see `src/workflows/index.ts`. */
function deploymentOf(version: WorkerDeploymentVersion): WorkerDeploymentOptions {
  return { useWorkerVersioning: true, version, defaultVersioningBehavior: 'PINNED' };
}

function laneWith(runtime: GatedRuntime, route: Route) {
  return { lane: laneOf(runtime.integration.service, route), route, runtime };
}
