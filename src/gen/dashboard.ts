import type { MetricName } from '../contracts/metrics.ts';
import { sayMs } from './say.ts';
import type { Generator, GeneratorInput } from './generator.ts';

/** One graph: what it shows, in which unit of Grafana's, by which queries. */
interface Panel {
  readonly title: string;
  readonly what: string;
  readonly unit: string;
  readonly queries: readonly (readonly [legend: string, query: string])[];
  /** A line to compare with. */
  readonly threshold?: number;
}

/** Grafana's dashboard of one integration: what an operator looks at, in the order in which it is asked for. */
export const dashboard: Generator = {
  name: 'dashboard',
  summary: 'a Grafana dashboard under ops/grafana/dashboards/',
  owns: (service) => ({ folder: 'ops/grafana/dashboards', pattern: new RegExp(`^${service}\\.json$`) }),
  generate: (input) => {
    const { service, title } = input.integration;
    const panels = panelsOf(input).map(({ title: name, what, unit, queries, threshold }, index) => ({
      id: index + 1,
      type: 'timeseries',
      title: name,
      description: what,
      datasource: SOURCE,
      gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
      fieldConfig: {
        defaults: {
          unit,
          min: 0,
          custom: { spanNulls: false, ...(threshold === undefined ? {} : { thresholdsStyle: { mode: 'line' } }) },
          thresholds: {
            mode: 'absolute',
            steps: [
              { color: 'green', value: null },
              ...(threshold === undefined ? [] : [{ color: 'red', value: threshold }]),
            ],
          },
        },
        overrides: [],
      },
      targets: queries.map(([legendFormat, expr], nth) => ({
        refId: String.fromCodePoint(65 + nth),
        datasource: SOURCE,
        expr,
        legendFormat,
      })),
    }));
    const text = JSON.stringify(
      {
        uid: `playbook-${service}`,
        title: `Playbook: ${service}`,
        description: `${title}. Written by \`playbook gen ${service}\`.`,
        tags: ['playbook', service],
        timezone: 'utc',
        schemaVersion: 39,
        refresh: '30s',
        time: { from: 'now-3h', to: 'now' },
        templating: {
          list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus', current: {} }],
        },
        panels,
      },
      undefined,
      2,
    );
    return [{ kind: 'file', path: `ops/grafana/dashboards/${service}.json`, text: `${text}\n` }];
  },
};

const SOURCE = { type: 'prometheus', uid: '${datasource}' } as const;

function panelsOf({ integration: { service }, plan }: GeneratorInput): readonly Panel[] {
  const of = (metric: MetricName | `${MetricName}_bucket`, more = ''): string =>
    `${metric}{service="${service}"${more}}`;
  const rate = (metric: MetricName, more = ''): string => `rate(${of(metric, more)}[$__rate_interval])`;
  const quantile = (percent: number, metric: MetricName, more = ''): string =>
    `histogram_quantile(${percent / 100}, sum by (le) (rate(${of(`${metric}_bucket`, more)}[$__rate_interval])))`;
  const quantiles = (metric: MetricName, more = ''): Panel['queries'] =>
    [50, 95, 99].map((percent) => [`P${percent}`, quantile(percent, metric, more)] as const);
  const errors = plan.watchers.find((watcher) => watcher.metric === 'errors');
  const latency = plan.watchers.find((watcher) => watcher.metric === 'latency');
  return [
    {
      title: 'Jobs ended',
      what: 'By state.',
      unit: 'ops',
      queries: [['{{state}}', `sum by (state) (${rate('playbook_jobs_ended_total')})`]],
    },
    {
      title: 'Jobs open',
      what: 'CREATED wait for the gate, PROCESSING for the service.',
      unit: 'short',
      queries: [['{{state}}', `max by (state) (${of('playbook_jobs_open')})`]],
    },
    {
      title: 'Failed jobs, by code',
      what: 'Share of all that ended; the line is what the rollout plan allows.',
      unit: 'percentunit',
      queries: [
        [
          '{{code}}',
          `sum by (code) (${rate('playbook_jobs_ended_total', ',state="FAILED"')}) / scalar(sum(${rate('playbook_jobs_ended_total')}))`,
        ],
      ],
      ...(errors === undefined ? {} : { threshold: errors.objective }),
    },
    {
      title: 'Time a job takes',
      what: `From acceptance to its end${latency === undefined ? '' : `; the line is ${sayMs(latency.objectiveMs)}`}.`,
      unit: 's',
      queries: quantiles('playbook_job_duration_seconds', ',route="live"'),
      ...(latency === undefined ? {} : { threshold: latency.objectiveMs / 1_000 }),
    },
    {
      title: 'Oldest job PROCESSING',
      what: 'Age since acceptance.',
      unit: 's',
      queries: [['oldest', `max(${of('playbook_oldest_processing_seconds')})`]],
    },
    {
      title: 'Requests, by answer',
      what: 'What left through the gate. 429 means the service asked us to slow down.',
      unit: 'reqps',
      queries: [['{{status}}', `sum by (status) (${rate('playbook_requests_total')})`]],
    },
    {
      title: 'Time a request takes',
      what: 'From its write to the end of the answer.',
      unit: 's',
      queries: quantiles('playbook_request_duration_seconds'),
    },
    {
      title: 'Gate: limit, cap, requests',
      what: 'Per second. The limit is below the cap after a refusal.',
      unit: 'reqps',
      queries: [
        ['limit', `max(${of('playbook_gate_limit_per_second', ',route="live"')})`],
        ['cap', `max(${of('playbook_gate_cap_per_second', ',route="live"')})`],
        ['requests', `sum(${rate('playbook_requests_total', ',route="live"')})`],
      ],
    },
    {
      title: 'Gate: waiting and in flight',
      what: 'In the process that holds it; what waits longer than a second waits in Temporal.',
      unit: 'short',
      queries: [
        ['waiting, {{class}}', `sum by (class) (${of('playbook_gate_waiting')})`],
        ['in flight', `sum(${of('playbook_gate_in_flight')})`],
      ],
    },
    {
      title: 'Gate: held, closed, breaker',
      what: 'Held must be 1; closed is the kill switch; the breaker is 1 while the service is down.',
      unit: 'short',
      queries: [
        ['held, {{route}}', `sum by (route) (${of('playbook_gate_held')})`],
        ['closed, {{route}}', `max by (route) (${of('playbook_gate_closed')})`],
        ['breaker, {{route}}', `max by (route) (${of('playbook_breaker_open')})`],
      ],
    },
    {
      title: 'Cost per hour',
      what: 'By declared prices, in dollars.',
      unit: 'currencyUSD',
      queries: [['{{route}}', `sum by (route) (increase(${of('playbook_cost_micros_total')}[1h])) / 1e6`]],
    },
    {
      title: 'Budget spent',
      what: 'Share of the hour’s and the day’s.',
      unit: 'percentunit',
      threshold: 1,
      queries: [
        [
          '{{window}}',
          `max by (window) (${of('playbook_budget_spent_micros')}) / max by (window) (${of('playbook_budget_limit_micros')})`,
        ],
      ],
    },
    {
      title: 'Webhooks, by outcome',
      what: 'Requests to the receiver.',
      unit: 'ops',
      queries: [['{{outcome}}', `sum by (outcome) (${rate('playbook_webhooks_total')})`]],
    },
    {
      title: 'Webhook lag',
      what: 'From a webhook’s arrival to the moment its job saw it.',
      unit: 's',
      queries: quantiles('playbook_webhook_lag_seconds'),
    },
    {
      title: 'Weight',
      what: 'Share of units admitted; 0 while disabled.',
      unit: 'percentunit',
      queries: [
        ['weight', `max(${of('playbook_weight_ratio')}) * max(${of('playbook_integration_enabled')})`],
        ['{{stage}}', `max by (stage) (${of('playbook_rollout_stage')}) > 0`],
      ],
    },
    {
      title: 'Processes',
      what: 'Ready, in touch with Temporal, and restarts in the last hour.',
      unit: 'short',
      queries: [
        ['ready', 'sum(playbook_ready)'],
        ['in touch with Temporal', 'sum(playbook_temporal_up)'],
        ['restarts', 'sum(changes(process_start_time_seconds[1h]))'],
      ],
    },
  ];
}
