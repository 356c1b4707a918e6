import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeControl, createPlaybookClient, readControl } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import type { JobOutcome } from '../../contracts/jobs.ts';
import { parseInput } from '../../definition/index.ts';
import type { Integration, ServiceConfig } from '../../definition/index.ts';
import type { RecordedExchange } from '../../http/service-client.ts';
import { entriesOf } from '../../proof/entries.ts';
import type { Tape } from '../../proof/entries.ts';
import type { Har } from '../../proof/har.ts';
import { schemaHashes, sha256 } from '../../proof/manifest.ts';
import type { Manifest } from '../../proof/manifest.ts';
import { keepableInput, keepableOutcome } from '../../proof/outcome.ts';
import { createSanitizer } from '../../proof/sanitizer.ts';
import { keepableConfig } from '../../proof/stand-ins.ts';
import { harText } from '../../proof/store.ts';
import type { Proof } from '../../proof/store.ts';
import type { RecordedWebhook } from '../../webhooks/index.ts';
import type { CliIo } from '../io.ts';
import { VERSION } from '../version.ts';
import { startEmbedded } from './embedded.ts';
import { InterruptedError } from './interrupted-error.ts';
import type { Logging } from './logging.ts';
import type { ConfigPaths, ConfiguredService } from './service-configs.ts';
import { untilAborted } from './until-aborted.ts';

export interface RecordOptions {
  readonly io: CliIo;
  readonly logging: Logging;
  readonly integration: Integration;
  readonly input: unknown;
  readonly configs: ConfigPaths;
  readonly key: string;
  readonly unit: string;
  /** `null`: kept until somebody removes it. */
  readonly retentionDays: number | null;
  readonly maxWaitMs: number;
  readonly now: () => Date;
}

const DAY_MS = 86_400_000;

/**
 * Runs one job with everything else started for it alone, and keeps what went to and fro.
 * @throws InterruptedError
 * @throws PlaybookError DEADLINE_EXCEEDED where the job did not end in time; INVALID_INPUT where what may be kept of it cannot be replayed
 */
export async function recordProof(options: RecordOptions): Promise<Proof> {
  const home = await mkdtemp(join(tmpdir(), 'playbook-proof-'));
  try {
    return await recordIn(home, options);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function recordIn(home: string, options: RecordOptions): Promise<Proof> {
  const { io, logging, integration, configs, key, unit } = options;
  const { service } = integration;
  const exchanges: RecordedExchange[] = [];
  const webhooks: RecordedWebhook[] = [];
  const recordedAt = options.now();
  const embedded = await startEmbedded({
    io: { ...io, env: { ...io.env, PLAYBOOK_HOME: home } },
    logging,
    services: [service],
    configs,
    recorder: {
      exchange: (exchange) => void exchanges.push(exchange),
      webhook: (webhook) => void webhooks.push(webhook),
    },
    adapt: withoutSweep,
  });
  const [configured] = embedded.services;
  if (configured === undefined) throw new PlaybookError('UNKNOWN_SERVICE', `${service} was not started.`);
  const { config } = configured;
  let outcome: JobOutcome<unknown>;
  try {
    // A home of its own begins with everything off; whoever records has asked for this job.
    const { enabled } = await readControl(embedded.client, service);
    const why = { actor: 'playbook', reason: 'A proof is recorded.' };
    if (!enabled) await changeControl(embedded.client, service, 'enable', why);
    const playbook = createPlaybookClient(embedded.client);
    const handle = await playbook.start(integration, options.input, { key, unit });
    const result = handle.result({ maxWaitMs: options.maxWaitMs });
    result.catch(() => undefined); // after an interruption nobody waits for it
    const answer = await Promise.race([result, embedded.broken, untilAborted(io.interrupt)]);
    if (answer === undefined) {
      await handle.cancel();
      throw new InterruptedError('Interrupted while recording.');
    }
    if (answer.state === 'PENDING') {
      await handle.cancel();
      throw new PlaybookError(
        'DEADLINE_EXCEEDED',
        `The job did not end within ${options.maxWaitMs / 1000} s; it is canceled and nothing is recorded. Give it longer with --max-wait.`,
      );
    }
    outcome = answer;
  } finally {
    await embedded.close();
  }

  const sanitizer = createSanitizer(logging.redactor.text);
  const keep = (): { input: Manifest['job']['input']; outcome: Manifest['outcome'] } => ({
    input: keepableInput(integration, parseInput(integration, options.input), sanitizer),
    outcome: keepableOutcome(integration, outcome, sanitizer),
  });
  keep(); // meets the classified values first, so that they are known wherever else they stand
  const publicUrl = config.webhook?.public_url ?? '';
  const tape: Tape = { exchanges, webhooks: webhooks.map((webhook) => ({ ...webhook, publicUrl })) };
  const har: Har = {
    log: {
      version: '1.2',
      creator: { name: 'playbook', version: VERSION },
      entries: entriesOf(integration, tape, sanitizer),
    },
  };
  const kept = keep();
  checkReplayable(integration, kept.input);
  return {
    name: nameOf(recordedAt, config),
    har,
    manifest: {
      format: 1,
      service,
      contractVersion: integration.contractVersion,
      playbookVersion: VERSION,
      nodeVersion: process.versions.node,
      environment: config.environment,
      recordedAt: recordedAt.toISOString(),
      retention: retentionOf(recordedAt, options.retentionDays),
      job: { key, unit, input: kept.input },
      outcome: kept.outcome,
      schemas: schemaHashes(integration),
      config: keepableConfig(config),
      har: { sha256: sha256(harText(har)), requests: exchanges.length, webhooks: webhooks.length },
    },
  };
}

/** The gate's sweep through the service's list is nobody's job, and comes when it comes: it stays out of a recording. */
function withoutSweep(configured: ConfiguredService): ConfiguredService {
  const { list: _sweep, ...integration } = configured.integration;
  return { ...configured, integration };
}

function checkReplayable(integration: Integration, input: Manifest['job']['input']): void {
  try {
    parseInput(integration, input);
  } catch (cause) {
    throw new PlaybookError(
      'INVALID_INPUT',
      `Nothing is recorded: with placeholders for its classified fields the input is not valid any more, so it could not be replayed. ${cause instanceof Error ? cause.message : ''} Loosen the schema of that field, or record a job without it.`,
      { cause },
    );
  }
}

function retentionOf(recordedAt: Date, days: number | null): Manifest['retention'] {
  return days === null ? null : { days, until: new Date(recordedAt.getTime() + days * DAY_MS).toISOString() };
}

/** `20261125-143000-sandbox`: names sort by time. */
function nameOf(recordedAt: Date, { environment }: ServiceConfig): string {
  const stamp = recordedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${stamp}-${environment}`;
}
