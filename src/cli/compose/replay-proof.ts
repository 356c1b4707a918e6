import { setTimeout as sleep } from 'node:timers/promises';
import { Readable } from 'node:stream';
import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { changeControl, createPlaybookClient, readControl } from '../../client/index.ts';
import type { JobAnswer } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { jobWorkflowId } from '../../contracts/ids.ts';
import { createSecrets } from '../../definition/index.ts';
import type { Integration } from '../../definition/index.ts';
import { createRedactor } from '../../logging/redactor.ts';
import type { Logger } from '../../logging/logger.ts';
import { jsonDifferences, requestLine } from '../../proof/compare.ts';
import { decoded } from '../../proof/decoded.ts';
import { spanOf } from '../../proof/har.ts';
import type { HarEntry } from '../../proof/har.ts';
import { schemaHashes } from '../../proof/manifest.ts';
import type { Manifest } from '../../proof/manifest.ts';
import { keepableOutcome } from '../../proof/outcome.ts';
import { startReplayServer } from '../../proof/replay-server.ts';
import type { ReplayServer } from '../../proof/replay-server.ts';
import { createSanitizer } from '../../proof/sanitizer.ts';
import type { Sanitizer } from '../../proof/sanitizer.ts';
import { scriptOf } from '../../proof/script.ts';
import type { Script } from '../../proof/script.ts';
import { replayConfig, standInSecrets, webhookSecrets } from '../../proof/stand-ins.ts';
import type { WebhookSecrets } from '../../proof/stand-ins.ts';
import type { Proof } from '../../proof/store.ts';
import { createTemporalHandOver, sign, startReceiver } from '../../webhooks/index.ts';
import type { RunningReceiver } from '../../webhooks/index.ts';
import { createJobWorker, createServiceRuntime } from '../../workers/index.ts';
import type { JobWorkerOptions } from '../../workers/index.ts';
import { createClosing } from './closing.ts';
import type { Closing } from './closing.ts';
import { InterruptedError } from './interrupted-error.ts';

export interface ReplayOptions {
  readonly proof: Proof;
  /** Today's definition. */
  readonly integration: Integration;
  /** A Temporal namespace in which nothing else works: the job, its gate and its control state are made there. */
  readonly temporal: {
    readonly client: Client;
    readonly connection: NativeConnection;
    readonly namespace: string;
  };
  readonly worker: Pick<JobWorkerOptions, 'workflowBundle' | 'augment'>;
  readonly logger: Logger;
  readonly interrupt?: AbortSignal;
  /** How much longer than the longest recorded pause a request may take to come, in milliseconds. @default 30 s */
  readonly patienceMs?: number;
}

/** What came of a replay. */
export interface ReplayReport {
  readonly proof: string;
  /** One sentence each; none: today's code does what was recorded. */
  readonly differences: readonly string[];
  /** What is worth knowing and makes no difference. */
  readonly notes: readonly string[];
  readonly requests: number;
  readonly tookMs: number;
}

/** Beyond the longest pause in the recording: so long without a request means that none will come. */
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 100;

/**
 * Runs the recorded job anew: today's client, mappers, schemas and workflow, on a real Temporal server, against a service that
 * answers as was recorded.
 * @throws InterruptedError
 */
export async function replayProof(options: ReplayOptions): Promise<ReplayReport> {
  const { proof, interrupt } = options;
  const startMs = performance.now();
  const closing = createClosing();
  const replay = new Replay(options, closing);
  try {
    await replay.run();
  } catch (error) {
    // What today's code refuses outright is a difference, too; anything else is trouble of the replay itself.
    if (!(error instanceof PlaybookError) || !REFUSALS.has(error.code)) throw error;
    replay.differences.push(`${error.code}: ${error.message}`);
  } finally {
    await closing.close();
  }
  if (interrupt?.aborted === true) throw new InterruptedError('Interrupted while replaying.');
  return {
    proof: proof.name,
    differences: replay.differences,
    notes: schemaNotes(proof.manifest, options.integration),
    requests: replay.answered(),
    tookMs: Math.round(performance.now() - startMs),
  };
}

const REFUSALS = new Set(['CONFIG_INVALID', 'INVALID_INPUT', 'INVALID_KEY']);

/** One replay under way. */
class Replay {
  readonly differences: string[] = [];
  readonly #options: ReplayOptions;
  readonly #closing: Closing;
  readonly #script: Script;
  readonly #sanitizer: Sanitizer = createSanitizer(createRedactor().text);
  readonly #secrets: WebhookSecrets | undefined;
  #server: ReplayServer | undefined;
  #receiver: RunningReceiver | undefined;

  constructor(options: ReplayOptions, closing: Closing) {
    this.#options = options;
    this.#closing = closing;
    this.#script = scriptOf(options.proof.har);
    const { webhook } = options.integration;
    this.#secrets = webhook === undefined ? undefined : webhookSecrets(webhook.scheme);
  }

  answered(): number {
    return this.#server?.answered() ?? 0;
  }

  async run(): Promise<void> {
    const { proof, temporal, logger, worker } = this.#options;
    const { list: _sweep, ...integration } = this.#options.integration;
    const { service } = integration;
    const recorded = proof.manifest.config;
    const plan = { service, webhookBeforePolls: this.#script.webhookBeforePolls };
    const { origin, tokenPath } = replayConfig(recorded, { ...plan, url: 'http://127.0.0.1' });
    const server = await startReplayServer({
      integration,
      script: this.#script,
      sanitizer: this.#sanitizer,
      origin,
      tokenPath,
      sendWebhook: (webhook, received) => this.#sendWebhook(webhook, received),
    });
    this.#server = server;
    this.#closing.add(() => server.close());
    const { config } = replayConfig(recorded, { ...plan, url: server.url });
    const secrets = createSecrets({ env: standInSecrets(config, this.#secrets) });
    const runtime = createServiceRuntime({ integration, config }, { secrets, logger });
    this.#closing.add(() => runtime.close());
    const { webhook } = config;
    if (integration.webhook !== undefined && webhook !== undefined) {
      const receiver = await startReceiver({
        port: 0,
        logger,
        handOver: createTemporalHandOver({ client: temporal.client, logger }),
        services: new Map([
          [
            service,
            {
              integration,
              toleranceMs: webhook.tolerance_s * 1000,
              secrets: () => Promise.all(webhook.secrets.map((ref) => secrets.resolve(ref))),
              tokenSecrets: async () => [await secrets.resolve(webhook.token_secret)],
            },
          ],
        ]),
      });
      this.#receiver = receiver;
      this.#closing.add(() => receiver.close());
    }
    const jobWorker = await createJobWorker({
      connection: temporal.connection,
      namespace: temporal.namespace,
      // As when it was recorded: without a glance, which comes or not by the moment.
      services: [{ ...runtime, passesAtOnce: () => false }],
      logger,
      openInputFile: async ({ bytes }) => ({ open: () => zeros(bytes), dispose: async () => undefined }),
      shutdownGraceMs: 2000,
      ...worker,
    });
    const working = jobWorker.run();
    working.catch(() => undefined);
    this.#closing.add(async () => {
      jobWorker.shutdown();
      await working;
    });
    await enableForReplay(temporal.client, service);
    await Promise.race([this.#runJob(integration, server), working]);
  }

  async #runJob(integration: Integration, server: ReplayServer): Promise<void> {
    const { proof, temporal } = this.#options;
    const { key, unit, input } = proof.manifest.job;
    const handle = await createPlaybookClient(temporal.client).start(integration, input, { key, unit });
    const result = handle.result();
    result.catch(() => undefined);
    const stopped = new AbortController();
    try {
      const end = await Promise.race([
        result,
        server.lost.then(() => 'lost' as const),
        this.#stalled(server, stopped.signal),
      ]);
      this.differences.push(...server.differences);
      if (end === 'lost') return;
      if (end === 'stalled') this.differences.push(stalledAt(this.#script, server.answered()));
      else this.#compareEnd(integration, end, server.answered());
    } finally {
      stopped.abort();
      const workflow = temporal.client.workflow.getHandle(jobWorkflowId(integration.service, key));
      await workflow.terminate('the replay is over').catch(() => undefined); // over already, as a rule
    }
  }

  /** Resolves when no request has come for longer than the recording's longest pause. */
  async #stalled(server: ReplayServer, signal: AbortSignal): Promise<'stalled'> {
    const starts = this.#script.steps.map(({ entry }) => spanOf(entry).fromMs);
    const pauses = starts.map((ms, index) => ms - (starts[index - 1] ?? ms));
    const patienceMs = (this.#options.patienceMs ?? PATIENCE_MS) + 1.5 * Math.max(0, ...pauses);
    let [seen, sinceMs] = [server.answered(), performance.now()];
    while (performance.now() - sinceMs < patienceMs) {
      await sleep(LOOK_EVERY_MS, undefined, { signal });
      if (server.answered() !== seen) [seen, sinceMs] = [server.answered(), performance.now()];
      if (this.#options.interrupt?.aborted === true) break;
    }
    return 'stalled';
  }

  #compareEnd(integration: Integration, answer: JobAnswer<unknown>, answered: number): void {
    if (answer.state === 'PENDING') return;
    const { outcome } = this.#options.proof.manifest;
    const now = keepableOutcome(integration, answer, this.#sanitizer);
    const why = answer.error === null ? '' : ` with ${answer.error.code}: ${answer.error.message}`;
    if (now.state !== outcome.state || now.errorCode !== outcome.errorCode) {
      const was = outcome.errorCode === null ? outcome.state : `${outcome.state} with ${outcome.errorCode}`;
      this.differences.push(`the job ends ${now.state}${why}, recorded was ${was}`);
    } else {
      const { externalId, costMicros, result } = outcome;
      this.differences.push(
        ...jsonDifferences(
          { externalId, costMicros, result },
          { externalId: now.externalId, costMicros: now.costMicros, result: now.result },
          'outcome',
        ),
      );
    }
    const left = this.#script.steps.slice(answered).map(({ entry }) => requestLine(entry));
    if (left.length > 0) this.differences.push(`the job ends without ${left.join(', ')}, as recorded`);
  }

  async #sendWebhook(recorded: HarEntry, received: string): Promise<string | undefined> {
    const { integration } = this.#options;
    const { webhook, service } = integration;
    const body = Buffer.from(recorded.request.postData?.text ?? '');
    if (webhook === undefined || this.#receiver === undefined || this.#secrets === undefined) {
      return 'a webhook was recorded, and the definition takes none';
    }
    const { pathname } = new URL(recorded.request.url);
    const token = liveToken(service, received);
    const target = decoded(pathname).includes('[redacted]') ? `/webhooks/${service}/${token ?? ''}` : pathname;
    const { eventId = 'recorded-event' } = recorded._playbook;
    const headers = sign(webhook.scheme, this.#secrets.signing, { id: eventId, timestampMs: Date.now(), body });
    const response = await fetch(`${this.#receiver.url}${target}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    const answer = await response.text();
    const { status } = recorded.response;
    if (response.status === status) return undefined;
    return `the webhook ${eventId} is answered ${response.status} (${answer.slice(0, 80)}), recorded was ${status}`;
  }
}

/** The token of the job's own callback URL, as the service was told it. */
function liveToken(service: string, received: string): string | undefined {
  const pattern = new RegExp(String.raw`(?:/|%2F)webhooks(?:/|%2F)${service}(?:/|%2F)([\w-]+\.[\w-]+)`);
  return pattern.exec(received)?.[1];
}

function stalledAt({ steps }: Script, answered: number): string {
  const next = steps[answered]?.entry;
  return next === undefined
    ? 'after the last recorded request the job does not end'
    : `request ${answered + 1} (${requestLine(next)}) does not come`;
}

function schemaNotes({ schemas }: Manifest, integration: Integration): readonly string[] {
  const now = schemaHashes(integration);
  const changed = Object.keys(schemas).filter((name) => now[name] !== schemas[name]);
  const added = Object.keys(now).filter((name) => schemas[name] === undefined);
  return [
    ...changed.map((name) => `schema ${name} ${now[name] === undefined ? 'is gone' : 'has changed'} since`),
    ...added.map((name) => `schema ${name} is new since`),
  ];
}

async function enableForReplay(client: Client, service: string): Promise<void> {
  const { enabled } = await readControl(client, service);
  if (!enabled) await changeControl(client, service, 'enable', { actor: 'playbook', reason: 'A proof is replayed.' });
}

/** As many bytes as a recorded upload had; what they were is not kept. */
function zeros(bytes: number): Readable {
  const chunk = Buffer.alloc(64 * 1024);
  let left = bytes;
  return new Readable({
    read() {
      const next = chunk.subarray(0, Math.min(left, chunk.length));
      left -= next.length;
      this.push(next.length === 0 ? null : next);
    },
  });
}
