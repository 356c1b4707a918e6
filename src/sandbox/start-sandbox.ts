import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAuthenticator } from './auth/create-authenticator.ts';
import { createTokenEndpoint } from './auth/oauth.ts';
import { createTokens } from './auth/tokens.ts';
import { createServiceClock } from './clock.ts';
import { createControl } from './control.ts';
import { createEngine } from './engine.ts';
import { createFaultPanel } from './faults/panel.ts';
import type { FaultState } from './faults/panel.ts';
import { faultsSchema } from './faults/schema.ts';
import type { FaultsInput } from './faults/schema.ts';
import { createFaultSwitches } from './faults/switches.ts';
import { answerControl } from './http/answer-control.ts';
import { createHandler } from './http/handle.ts';
import { listen, stopServer } from './http/listen.ts';
import { createRouter, createSubmitId } from './http/routes.ts';
import { createLimiter } from './limiter.ts';
import { cancelJob, getArtifact, getJob, getResult, listJobs } from './operations/jobs.ts';
import { putFile } from './operations/put-file.ts';
import { createSubmit } from './operations/submit.ts';
import { describe, parseOptions } from './options.ts';
import type { SandboxOptions } from './options.ts';
import { createPrng } from './prng.ts';
import { createRequestLog } from './request-log.ts';
import type { RequestEntry, RequestFilter } from './request-log.ts';
import { SandboxError } from './sandbox-error.ts';
import { createConfiguredShape } from './shape/configured.ts';
import { createDocprocShape } from './shape/docproc.ts';
import { createFileBlobs, createMemoryBlobs } from './state/blobs.ts';
import { openStore } from './state/store.ts';
import { createAnnouncer } from './webhooks/announce.ts';
import { createPoster } from './webhooks/post.ts';
import { createSender } from './webhooks/sender.ts';
import { createWork } from './work/create-work.ts';

/** A running sandbox. */
export interface Sandbox {
  /** Such as `http://127.0.0.1:41873`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Adds faults; the same as `POST /_sandbox/faults`. @throws SandboxError INVALID_FAULTS */
  readonly faults: (input: FaultsInput) => FaultState;
  /** Switches all faults off; the same as `DELETE /_sandbox/faults`. */
  readonly clearFaults: () => FaultState;
  /** What it received, in order of arrival; the same as `GET /_sandbox/requests`. */
  readonly requests: (filter?: RequestFilter) => RequestEntry[];
  /** Stops at once: open connections are cut, unfinished work is taken up by the next start on the same state file. */
  readonly close: () => Promise<void>;
}

/**
 * Starts the stand-in for the external service: a real HTTP server that does the real work.
 *
 * @throws SandboxError INVALID_OPTIONS, ADDRESS_UNAVAILABLE or STATE_CORRUPT
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const config = parseOptions(options);
  const { logger } = config;
  const clock = createServiceClock();
  const prng = createPrng(config.seed);
  const store = openStore(config.statePath, Date.now());
  const blobs = config.statePath === undefined ? createMemoryBlobs() : createFileBlobs(`${config.statePath}.blobs`);
  const limiter = createLimiter(config.limit);
  const tokens = createTokens(config.clients, config.tokenLifetimeS, Date.now);
  const switches = createFaultSwitches(createPrng(config.seed + 1));
  const processing = { minMs: config.processing.minMs, maxMs: config.processing.maxMs };
  const panel = createFaultPanel({ switches, clock, limiter, tokens, processing });
  panel.apply(config.faults);
  const shape =
    config.shape === undefined
      ? createDocprocShape(config)
      : createConfiguredShape(config.shape, config.webhook.secret);
  const log = createRequestLog();
  const sender = createSender({
    store,
    clock,
    faults: switches,
    prng,
    logger,
    sign: shape.sign,
    poster: createPoster(config.webhookRetry.timeoutMs),
    delaysMs: config.webhookRetry.delaysMs,
    maxConcurrent: config.webhookRetry.maxConcurrent,
  });
  const work = createWork(config, { store, blobs });
  const engine = createEngine({
    store,
    blobs,
    work,
    clock,
    prng,
    logger,
    processing,
    costMicros: config.costMicros,
    announce: createAnnouncer({ shape, clock, events: config.webhook.events }),
    deliver: sender.schedule,
  });

  const context = { config, store, blobs, engine, shape, work, clock };
  const token = createTokenEndpoint(shape.realm, config.clients, tokens);
  const handle = createHandler({
    clock,
    faults: switches,
    limiter,
    log,
    logger,
    authenticator: createAuthenticator(shape, config.clients, tokens),
    shape,
    route: createRouter(shape.routes),
    submitId: createSubmitId(shape.routes),
    operations: {
      token: async (exchange) => token(exchange.headers, (await exchange.readBody(16_384)).toString('utf8')),
      putFile: (exchange) => putFile(context, exchange),
      submit: createSubmit(context),
      getJob: (exchange) => getJob(context, exchange),
      getResult: (exchange) => getResult(context, exchange),
      listJobs: (exchange) => listJobs(context, exchange),
      cancelJob: (exchange) => cancelJob(context, exchange),
      getArtifact: (exchange) => getArtifact(context, exchange),
    },
  });
  const control = createControl({ panel, log, store, sender });

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const isControl = request.url?.startsWith('/_sandbox/') === true;
    const handling = isControl ? answerControl(control, request, response) : handle(request, response);
    handling.catch((error: unknown) => {
      logger.warn({ error: String(error) }, 'request could not be answered');
      response.destroy();
    });
  };

  for (const job of store.all('job')) log.restore(...shape.acceptedRequest(job));
  const { server, port } = await listen(config.port, config.host, onRequest).catch((error: unknown) => {
    store.close();
    throw error;
  });
  engine.resume();
  sender.resume();
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  logger.info({ url, state: config.statePath ?? 'memory' }, 'sandbox is listening');

  return {
    url,
    port,
    faults: (input) => {
      const parsed = faultsSchema.safeParse(input);
      if (parsed.success) return panel.apply(parsed.data);
      throw new SandboxError('INVALID_FAULTS', `Sandbox faults are wrong: ${describe(parsed.error)}`);
    },
    clearFaults: panel.clear,
    requests: log.list,
    close: async () => {
      engine.close();
      sender.close();
      await stopServer(server);
      await work.close();
      store.close();
    },
  };
}
