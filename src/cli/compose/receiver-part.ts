import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { jobReference } from '../../contracts/ids.ts';
import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import { withLogContext } from '../../logging/log-context.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Tracing } from '../../tracing/index.ts';
import { createTemporalHandOver, startReceiver } from '../../webhooks/index.ts';
import type { ReceiverDeps, ReceiverService, RunningReceiver } from '../../webhooks/index.ts';
import { createClockWatches } from './clock-watches.ts';
import type { ClockWatches } from './clock-watches.ts';
import { withFallbacks } from './service-configs.ts';
import type { ConfiguredService } from './service-configs.ts';

/** Those services that take webhooks, as the receiver wants them. */
function receiverServices(services: readonly ConfiguredService[]): ReadonlyMap<string, ReceiverService> {
  return new Map(
    services.flatMap((configured) => {
      const { integration } = configured;
      // The fallback's webhooks come to the same address, signed with its own secrets.
      const sources = withFallbacks([configured]).flatMap(({ config: { webhook }, secrets }) =>
        webhook === undefined ? [] : [{ webhook, secrets }],
      );
      if (integration.webhook === undefined || sources.length === 0) return [];
      const service: ReceiverService = {
        integration,
        toleranceMs: Math.max(...sources.map(({ webhook }) => webhook.tolerance_s * 1000)),
        secrets: () =>
          distinct(sources.flatMap(({ webhook, secrets }) => webhook.secrets.map((ref) => secrets.resolve(ref)))),
        tokenSecrets: () => distinct(sources.map(({ webhook, secrets }) => secrets.resolve(webhook.token_secret))),
      };
      return [[integration.service, service] as const];
    }),
  );
}

async function distinct(values: readonly Promise<string>[]): Promise<string[]> {
  return [...new Set(await Promise.all(values))];
}

export interface ReceiverPartOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly services: readonly ConfiguredService[];
  readonly port: number;
  readonly host?: string;
  /** See `ReceiverOptions`. @default 0 */
  readonly trustedProxies?: number;
  /** Learn from the time webhooks were signed. @default of its own */
  readonly clocks?: ClockWatches;
  readonly recorder?: ReceiverDeps['recorder'];
  /** @default nobody measures */
  readonly metrics?: MetricRecorder;
  /** @default nobody traces */
  readonly tracing?: Tracing | undefined;
  /** Whether Temporal answers, for `/readyz`. @default taken for granted */
  readonly ready?: () => boolean;
}

/** Starts the webhook receiver in front of Temporal. */
export function startReceiverPart({
  client,
  logger,
  services,
  port,
  host,
  trustedProxies,
  clocks = createClockWatches(services, logger),
  recorder,
  metrics,
  tracing,
  ready,
}: ReceiverPartOptions): Promise<RunningReceiver> {
  return startReceiver({
    port,
    ...(host === undefined ? {} : { host }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    logger,
    handOver: createTemporalHandOver({ client, logger }),
    around: (about, handOver) => {
      const { service, job, workflowId } = about;
      const ids = job === undefined || workflowId === undefined ? {} : { jobId: jobReference(job), workflowId };
      return withLogContext({ requestId: randomUUID(), service, ...ids }, () =>
        tracing === undefined ? handOver() : tracing.webhooks(about, handOver),
      );
    },
    onClockSample: clocks.onClockSample,
    recorder,
    ...(metrics === undefined ? {} : { metrics }),
    ...(ready === undefined ? {} : { ready }),
    services: receiverServices(services),
  });
}
