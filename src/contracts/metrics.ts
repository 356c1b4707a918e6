/** What one metric is. */
interface MetricInfo {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly unit?: 'seconds' | 'micro-dollars' | 'bytes';
  readonly labels: readonly (keyof typeof LABELS)[];
  /** Upper edges of a histogram's buckets. */
  readonly edges?: readonly number[];
  /** `holder`: from the process that holds the gate alone; elsewhere, and once it holds it no more, the value is NaN. */
  readonly from: 'worker' | 'holder' | 'receiver' | 'every process';
  readonly meaning: string;
}

/** What labels say. Every one is bounded: by what is configured, or by a closed list of words. Never a job's, a unit's or a sender's text. */
export const LABELS = {
  service: 'short name of an integration; `unknown` where a webhook names none of ours',
  route: '`live` or `fallback`; `none` for a job that was never admitted',
  kind: 'what a request was for: `upload`, `submit`, `poll`, `fetch`, `list`, `lookup`, `cancel`',
  status: 'HTTP status by class, `429` apart: `2xx`, `3xx`, `429`, `4xx`, `5xx`, or `none` without an answer',
  code: '`OK`, or a code of [errors.md](errors.md)',
  result: '`ok` or `failed`',
  state: 'state of a job; of jobs under way `CREATED` or `PROCESSING`',
  decision: '`live`, `fallback` or `rejected`',
  class: '`submit` (uploads included), `poll`, or `read` (fetches, cancellations, lookups, lists)',
  window: '`hourly` or `daily`, by UTC',
  direction: '`ahead`: the service’s clock is ahead of ours; `behind`',
  stage: 'the rollout’s name of a stage',
  end: '`closed`, `superseded`, `stopping` or `broken`',
  outcome: 'how a webhook request ended, see `src/webhooks/receiver.ts`',
  reason: 'why a signature was not believed, see `src/webhooks/schemes/verifier.ts`',
  version: 'of the package',
  build: 'the worker’s build id; `none` without Worker Deployments',
} as const;

const REQUEST_EDGES = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
const SHORT_EDGES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600] as const;
const JOB_EDGES = [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200, 86_400] as const;

/** Every metric of ours. Names are never reused for something else. `docs/metrics.md` is written from here. */
export const METRICS = {
  // Requests to the services
  playbook_requests_total: {
    kind: 'counter',
    labels: ['service', 'route', 'kind', 'status', 'code'],
    from: 'worker',
    meaning: 'Requests sent, by what came of them. The error rate is the share whose `code` is not `OK`.',
  },
  playbook_request_duration_seconds: {
    kind: 'histogram',
    unit: 'seconds',
    labels: ['service', 'route', 'kind', 'result'],
    edges: REQUEST_EDGES,
    from: 'worker',
    meaning: 'From the write of a request to the end of its answer, or to giving up. Waiting for leave is not in it.',
  },
  playbook_cost_micros_total: {
    kind: 'counter',
    unit: 'micro-dollars',
    labels: ['service', 'route', 'kind'],
    from: 'holder',
    meaning: 'What requests cost by the declared prices, as the gate counts it against the budget.',
  },
  playbook_clock_skew_seconds: {
    kind: 'gauge',
    unit: 'seconds',
    labels: ['service', 'route', 'direction'],
    from: 'holder',
    meaning: 'How far the service’s clock is from ours; the direction that does not apply is 0.',
  },
  // Jobs
  playbook_admissions_total: {
    kind: 'counter',
    labels: ['service', 'decision'],
    from: 'worker',
    meaning: 'Decisions on where a job goes.',
  },
  playbook_jobs_ended_total: {
    kind: 'counter',
    labels: ['service', 'route', 'state', 'code'],
    from: 'worker',
    meaning: 'Jobs that ended, with the code of their error.',
  },
  playbook_job_duration_seconds: {
    kind: 'histogram',
    unit: 'seconds',
    labels: ['service', 'route', 'state'],
    edges: JOB_EDGES,
    from: 'worker',
    meaning: 'From the acceptance of a job by us to its end.',
  },
  playbook_job_polls: {
    kind: 'histogram',
    labels: ['service', 'route', 'state'],
    edges: [0, 1, 2, 3, 5, 10, 20, 50, 100, 1000],
    from: 'worker',
    meaning: 'Status requests of a job that ended.',
  },
  playbook_job_cost_micros_total: {
    kind: 'counter',
    unit: 'micro-dollars',
    labels: ['service', 'route', 'state'],
    from: 'worker',
    meaning: 'What ended jobs cost: what the service charged where it says so, else by the declared prices.',
  },
  playbook_jobs_open: {
    kind: 'gauge',
    labels: ['service', 'state'],
    from: 'holder',
    meaning: 'Jobs under way, counted every 15 s. Those CREATED wait in Temporal or for leave.',
  },
  playbook_oldest_processing_seconds: {
    kind: 'gauge',
    unit: 'seconds',
    labels: ['service'],
    from: 'holder',
    meaning:
      'Age of the job that has been PROCESSING longest, counted from its acceptance by us; 0 without any. Within 5 %.',
  },
  // The gate
  playbook_gate_held: {
    kind: 'gauge',
    labels: ['service', 'route'],
    from: 'worker',
    meaning: '1 in the process that holds the gate, else 0. The sum over all workers is 1 while requests can leave.',
  },
  playbook_gate_closed: {
    kind: 'gauge',
    labels: ['service', 'route'],
    from: 'worker',
    meaning: '1 while the kill switch is on.',
  },
  playbook_gate_terms_total: {
    kind: 'counter',
    labels: ['service', 'route', 'end'],
    from: 'worker',
    meaning: 'Terms of holding the gate that ended, by why.',
  },
  playbook_gate_limit_per_second: {
    kind: 'gauge',
    labels: ['service', 'route'],
    from: 'holder',
    meaning: 'Requests per second the gate allows now: the cap, or less after the service refused.',
  },
  playbook_gate_cap_per_second: {
    kind: 'gauge',
    labels: ['service', 'route'],
    from: 'holder',
    meaning: 'The configured cap, per second.',
  },
  playbook_gate_frozen: {
    kind: 'gauge',
    labels: ['service', 'route'],
    from: 'holder',
    meaning: '1 while nothing leaves because the service asked to wait.',
  },
  playbook_gate_waiting: {
    kind: 'gauge',
    labels: ['service', 'route', 'class'],
    from: 'holder',
    meaning: 'Requests waiting for leave in the process. What does not pass within a second waits in Temporal instead.',
  },
  playbook_gate_in_flight: {
    kind: 'gauge',
    labels: ['service', 'route'],
    from: 'holder',
    meaning: 'Requests under way.',
  },
  playbook_gate_wait_seconds: {
    kind: 'histogram',
    unit: 'seconds',
    labels: ['service', 'route', 'class', 'result'],
    edges: SHORT_EDGES,
    from: 'holder',
    meaning: 'How long requests waited for leave; `failed` were sent away to wait in Temporal.',
  },
  playbook_breaker_open: {
    kind: 'gauge',
    labels: ['service', 'route'],
    from: 'holder',
    meaning: '0 closed, 0.5 half open (a probe is under way), 1 open.',
  },
  playbook_budget_spent_micros: {
    kind: 'gauge',
    unit: 'micro-dollars',
    labels: ['service', 'route', 'window'],
    from: 'holder',
    meaning: 'Counted against the budget in the current hour or day.',
  },
  playbook_budget_limit_micros: {
    kind: 'gauge',
    unit: 'micro-dollars',
    labels: ['service', 'route', 'window'],
    from: 'holder',
    meaning: 'The budget; NaN where there is no limit.',
  },
  // Control and rollout
  playbook_integration_enabled: {
    kind: 'gauge',
    labels: ['service'],
    from: 'worker',
    meaning: '1 while jobs are admitted, else 0.',
  },
  playbook_weight_ratio: {
    kind: 'gauge',
    labels: ['service'],
    from: 'worker',
    meaning: 'Share of units admitted, from 0 to 1.',
  },
  playbook_rollout_stage: {
    kind: 'gauge',
    labels: ['service', 'stage'],
    from: 'worker',
    meaning: '1 for the stage in force, 0 for those seen before.',
  },
  playbook_rollout_watched: {
    kind: 'gauge',
    labels: ['service'],
    from: 'worker',
    meaning: '1 while a rollout watches the weight.',
  },
  // Webhooks
  playbook_webhooks_total: {
    kind: 'counter',
    labels: ['service', 'outcome'],
    from: 'receiver',
    meaning: 'Requests to the receiver, by how they ended.',
  },
  playbook_webhook_signatures_rejected_total: {
    kind: 'counter',
    labels: ['service', 'reason'],
    from: 'receiver',
    meaning: 'Requests refused for their signature or its time.',
  },
  playbook_webhook_tokens_ignored_total: {
    kind: 'counter',
    labels: ['service'],
    from: 'receiver',
    meaning: 'Signed webhooks whose callback token was of no use, so that they were routed otherwise.',
  },
  playbook_webhook_age_seconds: {
    kind: 'histogram',
    unit: 'seconds',
    labels: ['service'],
    edges: SHORT_EDGES,
    from: 'receiver',
    meaning: 'From the signed time of a webhook to its arrival: the sender’s delay and the clocks’ difference.',
  },
  playbook_webhook_hand_over_seconds: {
    kind: 'histogram',
    unit: 'seconds',
    labels: ['service', 'outcome'],
    edges: SHORT_EDGES,
    from: 'receiver',
    meaning: 'How long Temporal took to take a webhook.',
  },
  playbook_webhook_lag_seconds: {
    kind: 'histogram',
    unit: 'seconds',
    labels: ['service'],
    edges: SHORT_EDGES,
    from: 'worker',
    meaning: 'From the arrival of a webhook at the receiver to the moment its job saw it.',
  },
  // Processes
  playbook_temporal_up: {
    kind: 'gauge',
    labels: [],
    from: 'every process',
    meaning: '1 while Temporal answers this process.',
  },
  playbook_ready: {
    kind: 'gauge',
    labels: [],
    from: 'every process',
    meaning: '1 while `/readyz` says so.',
  },
  playbook_build_info: {
    kind: 'gauge',
    labels: ['version', 'build'],
    from: 'every process',
    meaning: 'Always 1.',
  },
  process_start_time_seconds: {
    kind: 'gauge',
    unit: 'seconds',
    labels: [],
    from: 'every process',
    meaning: 'Unix time at which the process started; its changes count restarts, so a crash loop shows.',
  },
  process_resident_memory_bytes: {
    kind: 'gauge',
    unit: 'bytes',
    labels: [],
    from: 'every process',
    meaning: 'Resident memory.',
  },
  playbook_heap_bytes: {
    kind: 'gauge',
    unit: 'bytes',
    labels: [],
    from: 'every process',
    meaning: 'JavaScript heap in use.',
  },
  playbook_event_loop_lag_seconds: {
    kind: 'gauge',
    unit: 'seconds',
    labels: [],
    from: 'every process',
    meaning: '99th percentile of the event loop’s delay over the last 5 s.',
  },
} as const satisfies Readonly<Record<string, MetricInfo>>;

export type MetricName = keyof typeof METRICS;
/** Names of the metrics of one kind. */
export type NameOf<Kind extends MetricInfo['kind']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];
/** Values for a metric's labels, all of them. */
export type LabelsOf<Name extends MetricName> = Readonly<Record<(typeof METRICS)[Name]['labels'][number], string>>;
