import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { connectToTemporal } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import { checkEnvironments } from '../../definition/index.ts';
import type { Recorder } from '../../http/record-tokens.ts';
import type { RecordedWebhook } from '../../webhooks/index.ts';
import { homePath, openHome, startTemporalServer } from '../../embedded/index.ts';
import { freePort } from '../../embedded/ports.ts';
import { temporalBinary } from '../../provision/index.ts';
import { startSandbox } from '../../sandbox/index.ts';
import type { CliIo } from '../io.ts';
import { VERSION } from '../version.ts';
import { createClockWatches } from './clock-watches.ts';
import { createClosing } from './closing.ts';
import type { Closing } from './closing.ts';
import { enableOnSandbox } from './enable-on-sandbox.ts';
import { converterOf } from './external.ts';
import { announceEndpoints, callbackSecretFile, keepPorts, keptPorts, withdrawEndpoints } from './home-facts.ts';
import { InterruptedError } from './interrupted-error.ts';
import type { Logging } from './logging.ts';
import { startProcessMetrics } from './process-metrics.ts';
import { startReceiverPart } from './receiver-part.ts';
import { sandboxOptionsOf } from './sandbox-options.ts';
import {
  configFile,
  forSandbox,
  fromFile,
  isLocalSandbox,
  loopbackPort,
  withFallbacks,
  withSandboxDefaults,
} from './service-configs.ts';
import type { ConfigPaths, ConfiguredService } from './service-configs.ts';
import { startTemporalWatch } from './temporal-watch.ts';
import { openTracing } from './tracing.ts';
import { untilAborted } from './until-aborted.ts';
import { startWorker } from './worker-part.ts';

export interface EmbeddedOptions {
  readonly io: CliIo;
  readonly logging: Logging;
  /** Services to work for. */
  readonly services: readonly string[];
  readonly configs: ConfigPaths;
  /** Where Prometheus finds the metrics. @default nobody measures */
  readonly metricsAddress?: string;
  /** Told what goes to and comes from the services. @default nobody */
  readonly recorder?: ProcessRecorder | undefined;
  /** The last word on a service before it is put together. @default as its definition and configuration say */
  readonly adapt?: (service: ConfiguredService) => ConfiguredService;
}

/** What is told of the traffic of one process. */
export interface ProcessRecorder {
  readonly exchange: Recorder;
  readonly webhook: (webhook: RecordedWebhook) => void;
}

/** All parts in this process (and the Temporal server it supervises), with their state in the home folder. */
export interface Embedded {
  readonly home: string;
  readonly client: Client;
  readonly temporalAddress: string;
  readonly uiUrl: string;
  /** Those that run here, by service. */
  readonly sandboxUrls: ReadonlyMap<string, string>;
  readonly receiverUrl: string;
  readonly services: readonly ConfiguredService[];
  /** Rejects when a part ends by itself; never resolves. */
  readonly broken: Promise<never>;
  /** Stops everything in order: work first, then what it works with. */
  readonly close: () => Promise<void>;
}

/** The service whose sandbox has the usual port. */
const FIRST_SERVICE = 'docproc';
const USUAL_PORTS = { sandbox: 8300, receiver: 8301 };
const NAMESPACE = 'default';
const SHUTDOWN_GRACE_MS = 3000;

/**
 * Starts Temporal with its Web UI, the sandbox, the webhook receiver and a worker.
 * @throws PlaybookError HOME_IN_USE, PROVISION_FAILED, TEMPORAL_UNREACHABLE, CONFIG_INVALID
 * @throws InterruptedError with everything closed again
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const closing = createClosing();
  try {
    return await open(options, closing);
  } catch (error) {
    await closing.close();
    throw options.io.interrupt.aborted ? new InterruptedError('Interrupted while starting.') : error;
  }
}

async function open(options: EmbeddedOptions, closing: Closing): Promise<Embedded> {
  const { io, logging, services: names, configs, recorder, adapt = (same) => same } = options;
  const { logger, redactor } = logging;
  const home = await openHome(homePath(io.env, io.cwd));
  closing.add(() => home.close());

  const secretFile = await callbackSecretFile(home.path);
  const fromFiles = await configuredByFile(names, configs, io, secretFile, redactor.learn);
  const ports = await choosePorts(home.path, names, fromFiles);
  const receiverUrl = `http://127.0.0.1:${ports.receiver}`;
  const services = await Promise.all(
    ports.sandboxes.map(async ({ service, url }) => {
      const site = { sandboxUrl: url, receiverUrl, callbackSecretFile: secretFile };
      return adapt(fromFiles.get(service) ?? (await forSandbox(service, site, redactor.learn)));
    }),
  );

  checkEnvironments(withFallbacks(services).map(({ config }) => config));
  const converter = converterOf(io);
  const tracing = await openTracing(io, 'playbook', options.logging, closing);

  const executable = await temporalBinary({
    env: { ...io.env },
    signal: io.interrupt,
    onProgress: (line) => io.stderr.write(`${line}\n`),
  });
  io.interrupt.throwIfAborted();
  const failure = new AbortController();
  const temporal = await startTemporalServer({
    home,
    executable,
    searchAttributes: Object.values(SEARCH_ATTRIBUTES),
    onExit: (error) => failure.abort(error),
  });
  closing.add(() => temporal.stop());
  io.interrupt.throwIfAborted();

  const used = new Set(withFallbacks(services).map(({ config }) => config.service.base_url));
  const sandboxes = ports.sandboxes.filter(({ url }) => used.has(url));
  for (const { service, port } of sandboxes) {
    const state = service === FIRST_SERVICE ? 'sandbox.state' : `sandbox-${service}.state`;
    const own = await sandboxOptionsOf(service);
    const sandbox = await startSandbox({ ...own, port, statePath: join(home.path, state), logger });
    closing.add(() => sandbox.close());
  }
  const metrics = await io.installRuntime({ logger, metricsAddress: options.metricsAddress });
  const connected = await connectToTemporal({ address: temporal.address, namespace: NAMESPACE, ...converter });
  closing.add(() => connected.close());
  const clocks = createClockWatches(services, logger);
  const receiver = await startReceiverPart({
    client: connected.client,
    logger,
    services,
    port: ports.receiver,
    clocks,
    recorder: recorder?.webhook,
    metrics,
    tracing,
  });
  closing.add(() => receiver.close());
  const { NativeConnection } = await import('@temporalio/worker');
  const connection = await NativeConnection.connect({ address: temporal.address });
  closing.add(() => connection.close());
  const worker = await startWorker({
    io,
    logger,
    metrics,
    tracing,
    connection,
    namespace: NAMESPACE,
    services,
    clocks,
    recorder: recorder?.exchange,
    closing,
    shutdownGraceMs: SHUTDOWN_GRACE_MS,
    ...converter,
  });
  worker.ended.catch((error: unknown) => failure.abort(error));
  // Where nobody scrapes, nobody has to be told, and a laptop that wakes up is no news either.
  if (options.metricsAddress !== undefined) {
    const watch = startTemporalWatch({
      client: connected.client,
      address: temporal.address,
      logger,
      metrics,
      meanwhile: 'nothing is sent until it does, and nothing is lost',
      up: true,
    });
    closing.add(() => watch.stop());
    const measured = startProcessMetrics({ metrics, version: VERSION, buildId: undefined, isReady: watch.isUp });
    closing.add(() => measured.stop());
  }
  const onSandbox = services.filter(({ config }) => isLocalSandbox(config));
  await enableOnSandbox(
    connected.client,
    onSandbox.map(({ integration }) => integration.service),
    io,
  );
  await announceEndpoints(home.path, { temporal: temporal.address, uiUrl: temporal.uiUrl });
  closing.add(() => withdrawEndpoints(home.path));
  io.interrupt.throwIfAborted();

  return {
    home: home.path,
    client: connected.client,
    temporalAddress: temporal.address,
    uiUrl: temporal.uiUrl,
    sandboxUrls: new Map(sandboxes.map(({ service, url }) => [service, url])),
    receiverUrl,
    services,
    broken: rejection(failure.signal),
    close: closing.close,
  };
}

/** Rejects with the signal's reason. A rejection nobody waits for yet does no harm. */
function rejection(signal: AbortSignal): Promise<never> {
  const rejected = untilAborted(signal).then(() => {
    throw signal.reason;
  });
  rejected.catch(() => undefined);
  return rejected;
}

/** The services that have a configuration file; for the others one is made. */
async function configuredByFile(
  names: readonly string[],
  configs: ConfigPaths,
  io: CliIo,
  secretFile: string,
  onResolved: (value: string) => void,
): Promise<ReadonlyMap<string, ConfiguredService>> {
  const secret = await readFile(secretFile, 'utf8');
  const found = new Map<string, ConfiguredService>();
  for (const name of names) {
    const path = configFile(name, configs);
    if (path === undefined) continue;
    found.set(name, await fromFile(name, path, (config) => withSandboxDefaults(config, io.env, secret), onResolved));
  }
  return found;
}

/** The port of a service's sandbox in this process. */
interface SandboxPlace {
  readonly service: string;
  readonly port: number;
  readonly url: string;
}

/** Where a configuration says webhooks go on this machine, there; else the ports this home had before; else the usual ones. */
async function choosePorts(
  home: string,
  services: readonly string[],
  fromFiles: ReadonlyMap<string, ConfiguredService>,
): Promise<{ readonly sandboxes: readonly SandboxPlace[]; readonly receiver: number }> {
  const kept = await keptPorts(home);
  const asked = new Set(
    withFallbacks(fromFiles.values()).flatMap(({ config }) => loopbackPort(config.webhook?.public_url) ?? []),
  );
  if (asked.size > 1) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `webhook.public_url names different ports of this machine (${[...asked].join(', ')}), but there is one receiver. Use the same port.`,
    );
  }
  const [asksReceiver] = asked;
  const receiver = asksReceiver ?? (await freePort(kept.receiver, USUAL_PORTS.receiver));
  const places: SandboxPlace[] = [];
  for (const service of services) {
    const taken = new Set([receiver, ...places.map(({ port }) => port)]);
    const wanted = service === FIRST_SERVICE ? [kept.sandbox, USUAL_PORTS.sandbox] : [kept.sandboxes?.[service]];
    const port = await freePort(...wanted.filter((one) => one !== undefined && !taken.has(one)));
    places.push({ service, port, url: `http://127.0.0.1:${port}` });
  }
  const byService = Object.fromEntries(places.map(({ service, port }) => [service, port]));
  const { [FIRST_SERVICE]: sandbox = kept.sandbox, ...others } = byService;
  await keepPorts(home, {
    ...(sandbox === undefined ? {} : { sandbox }),
    sandboxes: { ...kept.sandboxes, ...others },
    receiver,
  });
  return { sandboxes: places, receiver };
}
