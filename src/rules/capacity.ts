/** What one job costs, as `npm run bench` measured it: see bench/RESULTS.md for how, and on what. */
export interface JobFigures {
  /** Actions as Temporal bills them, without those of the gate. */
  readonly actions: number;
  /** Writes of workflow state. */
  readonly transactions: number;
  readonly historyBytes: number;
  /** Of the database altogether, visibility included. */
  readonly databaseBytes: number;
  readonly serverCpuMs: number;
  readonly workerCpuMs: number;
  /** Requests to the service. */
  readonly requests: number;
}

/** What is to be run. */
export interface Workload {
  readonly jobsPerDay: number;
  /** How far the busiest hour is above the average. */
  readonly peakFactor: number;
  /** Status requests of a job beyond the one that fetches its result. */
  readonly pollsPerJob: number;
  /** How long closed jobs are kept, days. */
  readonly retentionDays: number;
  /** How long a job is at the service, on average, milliseconds. */
  readonly jobMs: number;
  /** One write of the database, milliseconds: what bounds a shard. */
  readonly writeMs: number;
}

/** One thing that runs out. */
export interface Limit {
  readonly name: string;
  /** Share of the limit that the peak needs: above 1 it does not fit. */
  readonly used: number;
  readonly remedy: string;
}

/** What the workload needs. Rates are of the peak unless they say otherwise. */
export interface Capacity {
  readonly jobsPerSecond: number;
  readonly actionsPerDay: number;
  readonly actionsPerSecond: number;
  readonly requestsPerSecond: number;
  readonly transactionsPerSecond: number;
  readonly openJobs: number;
  readonly historyBytesPerDay: number;
  readonly databaseBytes: number;
  readonly shards: number;
  readonly serverCores: number;
  readonly workers: number;
  readonly workflowPollers: number;
  /** Nearest first. */
  readonly limits: readonly Limit[];
}

/**
 * Of `externalJob` by webhook whose result an activity fetches, as it was measured before there were glances: with several workers
 * most jobs are not where their gate is held (decision 34). With one worker a job costs less.
 */
export const MEASURED: JobFigures = {
  actions: 9,
  transactions: 15.3,
  historyBytes: 5_827,
  databaseBytes: 29_700,
  serverCpuMs: 71,
  workerCpuMs: 32,
  requests: 2,
};

const SECONDS_PER_DAY = 86_400;
/** Each attempt of an activity, which is what a poll is, is billed as one Action. What it costs the server is not in these figures. */
const ACTIONS_PER_POLL = 1;

/** The gate's heartbeats while it sends, each billed as one Action; one a second while there is nothing to send. */
const GATE_ACTIONS_PER_SECOND = 4;

/** A processor, a shard and a process are planned to be busy this much at the peak: beyond it queues grow. */
const BUSY = 0.6;
/** Requests a second that one gate, which is one process, has been seen to send (bench/RESULTS-gate.md). */
const GATE_PER_SECOND = 250;
/** Actions a second a namespace of Temporal Cloud starts with; it is raised on request and by use (Temporal Cloud limits). */
const CLOUD_ACTIONS_PER_SECOND = 500;
/** How long a poller is away with one task, milliseconds: what it takes to get the next. */
const POLLER_MS = 50;
/** Shards cannot be changed later, so the number is a power of two with room. */
const LEAST_SHARDS = 4;

/** Works out what a workload needs. */
export function capacityOf(workload: Workload, job: JobFigures = MEASURED): Capacity {
  const { jobsPerDay, peakFactor, pollsPerJob, retentionDays, jobMs, writeMs } = workload;
  const per = {
    ...job,
    actions: job.actions + pollsPerJob * ACTIONS_PER_POLL,
    requests: job.requests + pollsPerJob,
  };
  const jobsPerSecond = (jobsPerDay / SECONDS_PER_DAY) * peakFactor;
  const transactionsPerSecond = jobsPerSecond * per.transactions;
  const actionsPerSecond = jobsPerSecond * per.actions + GATE_ACTIONS_PER_SECOND;
  const requestsPerSecond = jobsPerSecond * per.requests;
  const perShard = (1_000 / writeMs) * BUSY;
  const shards = Math.max(LEAST_SHARDS, 2 ** Math.ceil(Math.log2(Math.max(1, transactionsPerSecond / perShard))));
  const limits: Limit[] = [
    {
      name: `one gate sends ${GATE_PER_SECOND} requests a second`,
      used: requestsPerSecond / GATE_PER_SECOND,
      remedy: 'fewer polls; batches; several integrations, each with a share of the service’s limit',
    },
    {
      name: `a namespace of Temporal Cloud starts with ${CLOUD_ACTIONS_PER_SECOND} Actions a second`,
      used: actionsPerSecond / CLOUD_ACTIONS_PER_SECOND,
      remedy: 'have it raised; batches; a namespace for each integration',
    },
    {
      name: `the ${LEAST_SHARDS} shards of the smallest server`,
      used: transactionsPerSecond / (perShard * LEAST_SHARDS),
      remedy: `create the server with ${shards} shards: the number cannot be changed later`,
    },
    {
      name: 'one core of the server',
      used: (jobsPerSecond * per.serverCpuMs) / 1_000 / BUSY,
      remedy: 'more cores, then more history nodes; batches',
    },
    {
      name: 'one worker process',
      used: (jobsPerSecond * per.workerCpuMs) / 1_000 / BUSY,
      remedy: 'more worker processes',
    },
  ];
  const workers = Math.max(2, Math.ceil((jobsPerSecond * per.workerCpuMs) / 1_000 / BUSY));
  return {
    jobsPerSecond,
    actionsPerDay: jobsPerDay * per.actions + GATE_ACTIONS_PER_SECOND * SECONDS_PER_DAY,
    actionsPerSecond,
    requestsPerSecond,
    transactionsPerSecond,
    openJobs: (jobsPerSecond * jobMs) / 1_000,
    historyBytesPerDay: jobsPerDay * job.historyBytes,
    databaseBytes: jobsPerDay * retentionDays * job.databaseBytes,
    shards,
    serverCores: Math.max(1, Math.ceil((jobsPerSecond * per.serverCpuMs) / 1_000 / BUSY)),
    workers,
    workflowPollers: Math.max(5, Math.ceil((transactionsPerSecond * POLLER_MS) / 1_000 / workers)),
    limits: limits.toSorted((a, b) => b.used - a.used),
  };
}
