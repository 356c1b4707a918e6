import { classifiedPaths } from '../definition/index.ts';
import type { Integration, ServiceConfig } from '../definition/index.ts';
import { inFolder } from './generator.ts';
import type { Generator, GeneratorInput } from './generator.ts';
import { markdownTable } from './markdown.ts';
import { sayMicros, sayMs } from './say.ts';

/** The README's tables: limits, cost, and which fields are classified. */
export const readme: Generator = {
  name: 'readme',
  summary: 'README.md: limits, cost, classified fields',
  generate: (input) => {
    const path = inFolder(input.integration.service, 'README.md');
    const part = (name: string, text: string) => ({ kind: 'part', path, part: name, text }) as const;
    return [
      part('limits', limits(input)),
      part('cost', cost(input)),
      part('classified', classified(input.integration)),
    ];
  },
};

function limits({ integration, config }: GeneratorInput): string {
  const { timeouts, retry, rate_limit: rate } = config.service;
  const { idempotency } = integration.submit;
  const rows: readonly (readonly string[])[] = [
    ['requests', requests(rate), '`service.rate_limit`'],
    [
      'one request',
      `connect ${sayMs(timeouts.connect_ms)}, silence ${sayMs(timeouts.read_ms)}, in all ${sayMs(timeouts.total_ms)}`,
      '`service.timeouts`',
    ],
    [
      'attempts',
      `${retry.max_attempts} failures proper, after ${retry.backoff_ms.map(sayMs).join(', ')}`,
      '`service.retry`',
    ],
    ['polling', polling(config.polling), '`polling`'],
    ['a job', `${sayMs(config.deadline_ms)} from its acceptance`, '`deadline_ms`'],
    ...(idempotency.kind === 'none'
      ? [['repeating a submit', 'the service has no idempotency key: it is looked up first', 'definition']]
      : [['repeating a submit', `safe for ${sayMs(idempotency.lifetimeMs)}`, 'definition']]),
    ...(integration.webhook === undefined || config.webhook === undefined
      ? []
      : [
          ['a webhook’s time', `±${sayMs(config.webhook.tolerance_s * 1000)}`, '`webhook.tolerance_s`'],
          ['a webhook’s retries', `up to ${sayMs(integration.webhook.retryHorizonMs)} after the event`, 'definition'],
        ]),
  ];
  return markdownTable(['limit', 'value', 'set in'], rows);
}

function requests({ qps_cap, window, window_ms, burst, concurrency }: ServiceConfig['service']['rate_limit']): string {
  return [
    `${Number(((qps_cap * window_ms) / 1000).toFixed(3))} in a ${window} window of ${sayMs(window_ms)}`,
    ...(burst === undefined ? [] : [`${burst} at once`]),
    ...(concurrency === undefined ? [] : [`${concurrency} under way`]),
  ].join(', ');
}

function polling({ grace_ms, initial_ms, factor, max_ms }: ServiceConfig['polling']): string {
  const first = grace_ms === 0 ? 'at once' : `after ${sayMs(grace_ms)} without a webhook`;
  return `${first}; then ${sayMs(initial_ms)}, ${factor} times longer each, ${sayMs(max_ms)} at most`;
}

function cost({ integration, config, plan }: GeneratorInput): string {
  const { perJobMicros, perRequestMicros } = integration.cost;
  const configured = config.cost.per_job_usd;
  const jobMicros = configured === undefined ? perJobMicros : Math.round(configured * 1e6);
  const tags = Object.entries(config.cost.tags).map(([name, value]) => `\`${name}: ${value}\``);
  const watcher = plan.watchers.find(({ metric }) => metric === 'cost');
  const rows: readonly (readonly string[])[] = [
    ['a job', sayMicros(jobMicros), configured === undefined ? 'definition' : '`cost.per_job_usd`'],
    ['a request', sayMicros(perRequestMicros ?? 0), 'definition'],
    ['charged to', tags.length === 0 ? 'unit only' : `unit, ${tags.join(', ')}`, '`cost.tags`'],
    ...(watcher?.metric === 'cost'
      ? [
          ['objective', `below ${sayMicros(watcher.objectiveMicros)} a job on average`, 'rollout plan'],
          ['a rollout is aborted', `above ${sayMicros(watcher.abortMicros)}`, 'rollout plan'],
        ]
      : []),
  ];
  return markdownTable(['cost', 'value', 'set in'], rows);
}

function classified(integration: Integration): string {
  const places = [
    ['input', integration.input],
    ['result', integration.result],
    ['answer to the submit', integration.submit.response],
    ['status', integration.status.response],
    ['fetched result', integration.fetch?.response],
    ['webhook', integration.webhook?.payload],
  ] as const;
  const rows = places.flatMap(([place, schema]) =>
    schema === undefined
      ? []
      : classifiedPaths(schema).map(({ path, dataClass }) => [
          place,
          `\`${path.join('.') || 'all of it'}\``,
          dataClass,
        ]),
  );
  return rows.length === 0 ? 'No field is classified.' : markdownTable(['where', 'field', 'class'], rows);
}
