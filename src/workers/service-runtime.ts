import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import type { ServiceRuntime, Services } from '../activities/index.ts';
import { PlaybookError } from '../contracts/errors.ts';
import { NO_METRICS, type MetricRecorder } from '../contracts/metric-recorder.ts';
import type { Route } from '../contracts/states.ts';
import { callbackUrl, issueCallbackToken } from '../definition/callback-token.ts';
import {
  checkConfig,
  UnknownFieldTally,
  type Integration,
  type Secrets,
  type ServiceConfig,
} from '../definition/index.ts';
import { createAuthenticator } from '../http/auth/authenticator.ts';
import { systemClock } from '../http/clock.ts';
import { recordTokens } from '../http/record-tokens.ts';
import type { Recorder } from '../http/record-tokens.ts';
import { createServiceClient } from '../http/service-client.ts';
import type { SkewWatch } from '../http/skew-watch.ts';
import type { Observation, TraceRequest } from '../http/types.ts';
import { createTransport } from '../http/transport.ts';
import { createNotifier } from './notifier.ts';
import { createGateSeat, type GateSeat } from './gate/seat.ts';
import { recordRequest } from './metrics/requests.ts';
import { nearestName } from '../rules/nearest-name.ts';

/** An integration together with the configuration of one environment. */
export interface ConfiguredService {
  readonly integration: Integration;
  readonly config: ServiceConfig;
}

/** A runtime with the seat of its gate: while nobody sits there, nothing leaves. */
export interface GatedRuntime extends ServiceRuntime {
  readonly seat: GateSeat;
}

/** A runtime that owns connections. */
export interface OwnedRuntime extends GatedRuntime {
  readonly close: () => Promise<void>;
}

/**
 * Puts one service together: pool, deadlines, authentication, judgement.
 * @throws PlaybookError CONFIG_INVALID when the configuration does not fit the integration
 */
export function createServiceRuntime(
  { integration, config }: ConfiguredService,
  deps: {
    readonly secrets: Secrets;
    readonly logger: Logger;
    /** @default nobody measures */
    readonly metrics?: MetricRecorder;
    /** Traces its requests, where the configuration wants that. @default nobody does */
    readonly trace?: (service: string) => TraceRequest;
    /** What it serves as. @default 'live' */
    readonly route?: Route;
    /** What is known of the service's clock, where others learn of it, too. @default learned from answers alone */
    readonly skewWatch?: SkewWatch;
    /** Told every transmission, those for tokens included. For proof runs. */
    readonly recorder?: Recorder | undefined;
  },
): OwnedRuntime {
  const { metrics = NO_METRICS, route = 'live' } = deps;
  checkConfig(integration, config);
  const { base_url, timeouts } = config.service;
  const transport = createTransport({
    connectTimeoutMs: timeouts.connect_ms,
    readTimeoutMs: timeouts.read_ms,
    totalTimeoutMs: timeouts.total_ms,
    clock: systemClock,
  });
  const { idempotency } = integration.submit;
  const seat = createGateSeat(integration.service);
  const client = createServiceClient({
    baseUrl: base_url,
    transport,
    authenticator: createAuthenticator(config.auth, {
      resolve: deps.secrets.resolve,
      transport: deps.recorder === undefined ? transport : recordTokens(transport, systemClock, deps.recorder),
      clock: systemClock,
      logger: deps.logger,
      ...(integration.sign === undefined ? {} : { signer: integration.sign }),
    }),
    errorRules: integration.errors ?? [],
    readError: integration.readError,
    failureIn2xx: integration.failureIn2xx,
    idempotencyHeader: idempotency.kind === 'header' ? idempotency : undefined,
    userAgent: USER_AGENT,
    clock: systemClock,
    logger: deps.logger,
    beforeSend: seat.acquire,
    recorder: deps.recorder,
    onResponse: (observation) => {
      recordRequest(metrics, { service: integration.service, route }, observation);
      logRequest(deps.logger, integration.service, observation);
    },
    ...(deps.trace === undefined || !config.observability.trace_spans
      ? {}
      : { trace: deps.trace(integration.service) }),
    ...(deps.skewWatch === undefined ? {} : { skewWatch: deps.skewWatch }),
  });
  const { webhook, notifications } = config;
  const { onUnknown } = new UnknownFieldTally((field) => {
    const { service, contractVersion } = integration;
    deps.logger.warn(
      { service, field },
      `Answers of ${service} have a field that contract ${contractVersion} does not know.`,
    );
  });
  return {
    integration,
    config,
    client,
    seat,
    leastPollMs: seat.leastPollMs,
    isDown: seat.isDown,
    // A glance comes or not by the moment: nobody could replay what it sent.
    ...(deps.recorder === undefined ? { passesAtOnce: seat.passesAtOnce } : {}),
    onUnknown,
    ...(notifications === undefined
      ? {}
      : {
          notify: createNotifier(notifications, {
            secrets: deps.secrets,
            transport,
            clock: systemClock,
            logger: deps.logger,
            userAgent: USER_AGENT,
          }),
        }),
    ...(webhook === undefined
      ? {}
      : {
          callbackUrl: async (job) => {
            const secret = await deps.secrets.resolve(webhook.token_secret);
            return callbackUrl(webhook.public_url, job.service, issueCallbackToken(secret, job));
          },
        }),
    close: () => transport.close(),
  };
}

/** Looks runtimes up by service and route. */
export function servicesOf(runtimes: readonly ServiceRuntime[], fallbacks: readonly ServiceRuntime[] = []): Services {
  const routes = { live: byName(runtimes), fallback: byName(fallbacks) };
  return {
    has: (service, route) => routes[route].has(service),
    get: (service, route) => {
      const runtime = routes[route].get(service);
      if (runtime !== undefined) return runtime;
      const near = nearestName(service, [...routes.live.keys()]);
      const hint = near === undefined ? '' : ` Did you mean ${near}?`;
      const what = route === 'live' ? `integration ${service}` : `fallback for ${service}`;
      throw new PlaybookError('UNKNOWN_SERVICE', `This worker has no ${what}.${hint}`);
    },
  };
}

/** Its line has the job's ids, as every line within an activity. */
function logRequest(logger: Logger, service: string, { kind, status, elapsedMs, failure }: Observation): void {
  const fields = { service, kind, status, elapsedMs: Math.round(elapsedMs) };
  if (failure === undefined) logger.debug(fields, 'Request answered');
  else logger.info({ ...fields, code: failure.code, arrival: failure.arrival }, 'Request failed');
}

function byName(runtimes: readonly ServiceRuntime[]): Map<string, ServiceRuntime> {
  return new Map(runtimes.map((runtime) => [runtime.integration.service, runtime]));
}

const { version } = createRequire(import.meta.url)('#package') as { version: string };
const USER_AGENT = `playbook/${version}`;
