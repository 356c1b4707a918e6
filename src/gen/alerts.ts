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
/** What an hour may cost before somebody looks, in micro-dollars. */
export const COST_PER_HOUR_MICROS = 10_000_000;

/** The alerts of one integration, from its rollout plan's watchers and its configuration. */
export function alertsOf({ integration: { service, webhook }, config, plan }: GeneratorInput): readonly Alert[] {
  const status = `\`playbook status ${service}\``;
  return [
    ...plan.watchers.flatMap((watcher) => watcherAlerts(service, watcher)),
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
      condition: 'no worker reports anything',
      forMs: 10 * MINUTE_MS,
      action: `Is a worker running, is it scraped? ${status}`,
    },
    {
      name: 'NobodySends',
      severity: 'page',
      condition: 'nobody holds the gate, and the kill switch is off',
      forMs: 2 * MINUTE_MS,
      action: `${status}; its workers are down, frozen, or cut off from Temporal. See “Gate stuck”.`,
    },
    {
      name: 'KillSwitchOn',
      severity: 'ticket',
      condition: 'the kill switch is on: jobs wait',
      forMs: 30 * MINUTE_MS,
      action: `\`playbook history ${service}\` says who and why; \`playbook restore ${service}\` when that is over.`,
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
    {
      name: 'BudgetSpent',
      severity: 'page',
      condition: 'the hourly or daily budget is spent: nothing new is submitted',
      forMs: 0,
      action: `\`playbook cost ${service} --by unit\`; raise it with \`playbook budget ${service}\`, or wait for the hour or day to turn.`,
    },
    {
      name: 'CostPerHour',
      severity: 'page',
      condition: `an hour costs more than ${sayMicros(COST_PER_HOUR_MICROS)}`,
      forMs: 0,
      action: `\`playbook cost ${service} --by unit\`; \`playbook budget ${service} --hourly\` bounds it.`,
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
export function stuckAfterMs(deadlineMs: number): number {
  return Math.min(15 * MINUTE_MS, deadlineMs);
}

function watcherAlerts(service: string, watcher: Watcher): readonly Alert[] {
  switch (watcher.metric) {
    case 'errors':
      return [
        {
          name: 'ErrorRate',
          severity: 'page',
          condition: `more than ${sayShare(watcher.objective)} of the jobs fail for reasons of ours`,
          forMs: 5 * MINUTE_MS,
          action: `\`playbook jobs list --service ${service} --state failed\`; the codes are below.`,
        },
        {
          name: 'ErrorBurn',
          severity: 'page',
          condition: `jobs fail many times faster than ${sayShare(watcher.objective)} allows, for 5 min and over the hour`,
          forMs: 0,
          action: `As ErrorRate, and now: \`playbook kill ${service}\` if every further request does harm.`,
        },
        {
          name: 'RolloutErrors',
          severity: 'page',
          condition: `more than ${sayShare(watcher.abort)} fail while a rollout is watched`,
          forMs: 0,
          action: `The rollout aborts by itself; \`playbook rollout status ${service}\`.`,
        },
      ];
    case 'latency':
      return [
        {
          name: 'Latency',
          severity: 'page',
          condition: `P${Number((watcher.percentile * 100).toFixed(2))} of the time a job takes is above ${sayMs(watcher.objectiveMs)}`,
          forMs: 10 * MINUTE_MS,
          action: `\`playbook status ${service}\`: waiting for the gate, for ${service}, or for webhooks?`,
        },
      ];
    default:
      return [
        {
          name: 'CostPerJob',
          severity: 'ticket',
          condition: `a job costs more than ${sayMicros(watcher.objectiveMicros)} on average`,
          forMs: 30 * MINUTE_MS,
          action: `\`playbook cost ${service} --by day\`; compare with ${service}’s bill.`,
        },
      ];
  }
}
