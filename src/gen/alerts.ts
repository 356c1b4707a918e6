import type { Watcher } from '../rules/slo/watchers.ts';
import { sayMicros, sayMs, sayShare } from './say.ts';
import type { GeneratorInput } from './generator.ts';

/** What is to be alarmed about: the RUNBOOK's table and the alert rules say the same because both follow from this. */
export interface Alert {
  /** Unique for a service; the same for every service. */
  readonly name: string;
  /** `page`: somebody has to look now; `ticket`: within the working day. */
  readonly severity: 'page' | 'ticket';
  /** When it fires, in words. */
  readonly condition: string;
  /** How long that has to hold, in milliseconds. */
  readonly forMs: number;
  readonly action: string;
}

const MINUTE_MS = 60_000;

/** The alerts of one integration, from its rollout plan's watchers and its configuration. */
export function alertsOf({ integration: { service, webhook }, config, plan }: GeneratorInput): readonly Alert[] {
  const status = `\`playbook status ${service}\``;
  return [
    ...plan.watchers.map((watcher) => watcherAlert(service, watcher)),
    {
      name: 'Throttled',
      severity: 'ticket',
      condition: `${service} answers 429`,
      forMs: 10 * MINUTE_MS,
      action: 'See who else uses the same client; else lower `service.rate_limit.qps_cap`.',
    },
    {
      name: 'StuckProcessing',
      severity: 'page',
      condition: `a job is PROCESSING for more than ${sayMs(stuckAfterMs(config.deadline_ms))}`,
      forMs: 5 * MINUTE_MS,
      action: `\`playbook jobs list --service ${service} --state processing\`, then the job’s page in the Web UI.`,
    },
    {
      name: 'NoData',
      severity: 'page',
      condition: 'jobs are open and nothing is reported of them',
      forMs: 10 * MINUTE_MS,
      action: `Is a worker running, is it scraped? ${status}`,
    },
    {
      name: 'BreakerOpen',
      severity: 'page',
      condition: `the breaker is open: ${service} is down for us`,
      forMs: 5 * MINUTE_MS,
      action: `${service}’s status page. Jobs wait, one probe leaves every 10 s, and they go on by themselves.`,
    },
    {
      name: 'BudgetNearlySpent',
      severity: 'ticket',
      condition: '80 % of the hourly or daily budget is spent',
      forMs: 0,
      action: `\`playbook cost ${service} --by unit\`; then wait, or \`playbook budget ${service}\`.`,
    },
    ...(webhook === undefined
      ? []
      : [
          {
            name: 'WebhooksRejected',
            severity: 'ticket',
            condition: 'webhooks are refused for their signature or time',
            forMs: 10 * MINUTE_MS,
            action: 'Compare the secrets under `webhook.secrets` with the service’s, and the clocks. Jobs are polled.',
          } as const,
        ]),
  ];
}

/** How long a job may be PROCESSING before somebody looks, in milliseconds. */
function stuckAfterMs(deadlineMs: number): number {
  return Math.min(15 * MINUTE_MS, deadlineMs);
}

function watcherAlert(service: string, watcher: Watcher): Alert {
  switch (watcher.metric) {
    case 'errors':
      return {
        name: 'ErrorRate',
        severity: 'page',
        condition: `more than ${sayShare(watcher.objective)} of the jobs fail for reasons of ours`,
        forMs: 5 * MINUTE_MS,
        action: `\`playbook jobs list --service ${service} --state failed\`; the codes are below.`,
      };
    case 'latency':
      return {
        name: 'Latency',
        severity: 'page',
        condition: `P${Number((watcher.percentile * 100).toFixed(2))} of the time a job takes is above ${sayMs(watcher.objectiveMs)}`,
        forMs: 10 * MINUTE_MS,
        action: `\`playbook status ${service}\`: waiting for the gate, for ${service}, or for webhooks?`,
      };
    default:
      return {
        name: 'CostPerJob',
        severity: 'ticket',
        condition: `a job costs more than ${sayMicros(watcher.objectiveMicros)} on average`,
        forMs: 30 * MINUTE_MS,
        action: `\`playbook cost ${service} --by day\`; compare with ${service}’s bill.`,
      };
  }
}
