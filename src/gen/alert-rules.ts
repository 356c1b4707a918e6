import { stringify } from 'yaml';
import type { ErrorCode } from '../contracts/errors.ts';
import type { NameOf } from '../contracts/metrics.ts';
import { alertsOf, COST_PER_HOUR_MICROS, stuckAfterMs, type Alert } from './alerts.ts';
import { inFolder, type Generator, type GeneratorInput } from './generator.ts';

/** Fewer jobs than this in a window say nothing about a share of them. */
const LEAST_JOBS = 20;
/** Failures in a window below which nobody is woken, whatever their share. */
const LEAST_FAILURES = 3;
/** How many times faster than allowed a budget of errors burns before somebody is woken; SRE workbook: 2 % of a month in an hour. */
const FAST_BURN = 14.4;
/** No alert asks for a share that only a total failure reaches: for large budgets 14.4 times would be more than all. */
const MOST_BURNT = 0.8;

/** Endings that say nothing of the integration: the caller's mistakes, the document's, somebody's wish. */
const NOT_OURS: readonly ErrorCode[] = [
  'REMOTE_FAILED',
  'INVALID_INPUT',
  'VALIDATION',
  'FILE_NOT_FOUND',
  'FILE_CHANGED',
  'UNSUPPORTED_MEDIA_TYPE',
  'PAYLOAD_TOO_LARGE',
  'INTEGRATION_DISABLED',
];

/** Prometheus rules of each alert in the RUNBOOK, with a link to it. */
export const alertRules: Generator = {
  name: 'alerts',
  summary: 'Prometheus alert rules under ops/prometheus/rules/, from the rollout plan’s watchers and the configuration',
  owns: (service) => ({ folder: 'ops/prometheus/rules', pattern: new RegExp(`^${service}\\.yaml$`) }),
  generate: (input) => {
    const { service } = input.integration;
    const rules = alertsOf(input).map((alert) => ({
      alert: `Playbook${alert.name}`,
      expr: expressionOf(alert.name, input),
      ...(alert.forMs === 0 ? {} : { for: `${alert.forMs / 1_000}s` }),
      labels: { service, severity: alert.severity },
      annotations: {
        summary: `${service}: ${alert.condition}`,
        action: alert.action,
        runbook: `${inFolder(service, 'RUNBOOK.md')}#alerts`,
      },
    }));
    const text = stringify({ groups: [{ name: `playbook-${service}`, rules }] }, { lineWidth: 0 });
    return [
      {
        kind: 'file',
        path: `ops/prometheus/rules/${service}.yaml`,
        text: `# Written by \`playbook gen ${service}\`.\n${text}`,
      },
    ];
  },
};

/** A metric's name as Prometheus has it, typed by the catalogue. */
type Counter = NameOf<'counter'>;

/** PromQL of an alert. @throws Error for one that has no rule: the RUNBOOK must not promise what nothing watches */
function expressionOf(name: Alert['name'], { integration: { service }, config, plan }: GeneratorInput): string {
  const of = (more = ''): string => `{service="${service}"${more}}`;
  const live = (more = ''): string => of(`,route="live"${more}`);
  const rise = (counter: Counter, labels: string, window: string): string =>
    `sum(increase(${counter}${labels}[${window}]))`;
  const ended = live(',state=~"COMPLETED|FAILED"');
  const failed = live(`,state="FAILED",code!~"${NOT_OURS.join('|')}"`);
  const enough = (window: string): string => `${rise('playbook_jobs_ended_total', ended, window)} >= ${LEAST_JOBS}`;
  const share = (window: string, above: number): string =>
    `${rise('playbook_jobs_ended_total', failed, window)} / ${rise('playbook_jobs_ended_total', ended, window)} > ${number(above)}`;
  const failures = (window: string): string =>
    `${rise('playbook_jobs_ended_total', failed, window)} >= ${LEAST_FAILURES}`;
  const errors = plan.watchers.find((watcher) => watcher.metric === 'errors');
  const latency = plan.watchers.find((watcher) => watcher.metric === 'latency');
  const cost = plan.watchers.find((watcher) => watcher.metric === 'cost');
  const needed = <Watcher>(watcher: Watcher | undefined): Watcher => {
    if (watcher === undefined) throw new Error(`${service} has no watcher for ${name}`);
    return watcher;
  };
  switch (name) {
    case 'ErrorRate':
      return all(share('30m', needed(errors).objective), failures('30m'), enough('30m'));
    case 'ErrorBurn': {
      const { objective } = needed(errors);
      const burnt = Math.min(FAST_BURN * objective, MOST_BURNT);
      return all(share('5m', burnt), share('1h', burnt), failures('5m'), enough('1h'));
    }
    case 'RolloutErrors':
      return all(share('5m', needed(errors).abort), failures('5m'), `max(playbook_rollout_watched${of()}) == 1`);
    case 'Latency': {
      const { percentile, objectiveMs } = needed(latency);
      const buckets = `sum by (le) (rate(playbook_job_duration_seconds_bucket${ended}[15m]))`;
      return all(`histogram_quantile(${percentile}, ${buckets}) > ${number(objectiveMs / 1_000)}`, enough('15m'));
    }
    case 'CostPerJob':
      return all(
        `${rise('playbook_job_cost_micros_total', live(), '1h')} / ${rise('playbook_jobs_ended_total', live(), '1h')} > ${number(needed(cost).objectiveMicros)}`,
        enough('1h'),
      );
    case 'CostPerHour':
      return `${rise('playbook_cost_micros_total', live(), '1h')} > ${number(COST_PER_HOUR_MICROS)}`;
    case 'Throttled':
      return `${rise('playbook_requests_total', live(',status="429"'), '10m')} > 0`;
    case 'StuckProcessing':
      return `max(playbook_oldest_processing_seconds${of()}) > ${number(stuckAfterMs(config.deadline_ms) / 1_000)}`;
    case 'NoData':
      return `absent(playbook_gate_held${live()})`;
    case 'NobodySends':
      return all(`sum(playbook_gate_held${live()}) < 1`, `max(playbook_gate_closed${live()}) < 1`);
    case 'KillSwitchOn':
      return `max(playbook_gate_closed${live()}) == 1`;
    case 'BreakerOpen':
      return `max(playbook_breaker_open${live()}) > 0`;
    case 'BudgetNearlySpent':
      return `${spentShare(live())} >= 0.8`;
    case 'BudgetSpent':
      return `${spentShare(live())} >= 1`;
    case 'WebhooksRejected':
      return `${rise('playbook_webhook_signatures_rejected_total', of(), '10m')} >= ${LEAST_FAILURES}`;
    default:
      throw new Error(`There is no rule for ${name}`);
  }
}

function spentShare(labels: string): string {
  return `max by (window) (playbook_budget_spent_micros${labels}) / max by (window) (playbook_budget_limit_micros${labels})`;
}

/** All at once. Each side is one series without labels, so `and` joins them. */
function all(...conditions: readonly string[]): string {
  return conditions.map((condition) => `(${condition})`).join(' and ');
}

/** Without the noise of binary fractions. */
function number(value: number): string {
  return String(Number(value.toPrecision(12)));
}
