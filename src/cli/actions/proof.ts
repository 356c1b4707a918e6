import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { PlaybookError } from '../../contracts/errors.ts';
import { loadConfig, loadSamples } from '../../definition/index.ts';
import type { Integration } from '../../definition/index.ts';
import { nearestName } from '../../rules/nearest-name.ts';
import { requestLine } from '../../proof/compare.ts';
import { curlNotes } from '../../proof/curl.ts';
import { spanOf } from '../../proof/har.ts';
import type { HarEntry } from '../../proof/har.ts';
import type { Manifest } from '../../proof/manifest.ts';
import { listProofs, readManifest, readProof, removeDrafts, removeProof, writeProof } from '../../proof/store.ts';
import type { Proof } from '../../proof/store.ts';
import { fileSample } from '../../testing/index.ts';
import { badUsage } from '../args/bad-usage.ts';
import { inputOf } from '../compose/file-input.ts';
import { startLogging } from '../compose/logging.ts';
import { recordProof } from '../compose/record-proof.ts';
import type { ReplayReport } from '../compose/replay-proof.ts';
import { configFile, configPathOf, integrationOf, isLocalSandbox, knownServices } from '../compose/service-configs.ts';
import { withTemporaryTemporal } from '../compose/temporary-temporal.ts';
import { unlessInterrupted } from '../compose/unless-interrupted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { count, dollars, seconds } from '../output/format.ts';
import { columns } from '../output/job-text.ts';
import { INTEGRATIONS_CODE, INTEGRATIONS_FOLDER } from '../package-folders.ts';
import { jsonInput, onlyFile } from './jobs.ts';
import { findSample, sampleKey } from './sample.ts';

/** Where proofs are, and which one. */
export interface ProofOptions {
  readonly path: readonly string[];
  readonly service: string;
  /** @default the latest */
  readonly proof?: string | undefined;
  /** @default integrations/<service>/proofs */
  readonly dir: string | undefined;
  readonly json: boolean;
}

function folderOf(io: CliIo, service: string, dir: string | undefined): string {
  return dir === undefined ? join(INTEGRATIONS_FOLDER, service, 'proofs') : resolve(io.cwd, dir);
}

/** The proof that is meant. @throws PlaybookError FILE_NOT_FOUND */
async function chosenProof(io: CliIo, { service, proof, dir }: ProofOptions): Promise<Proof> {
  await integrationOf(service);
  const folder = folderOf(io, service, dir);
  const names = await listProofs(folder);
  const name = proof ?? names.at(-1);
  if (name !== undefined && names.includes(name)) return readProof(folder, name);
  const near = name === undefined ? undefined : nearestName(name, names);
  const which = name === undefined ? 'no proof' : `no proof ${JSON.stringify(name)}`;
  const next =
    names.length === 0
      ? `Record one: \`playbook proof record ${service}\`.`
      : `${near === undefined ? '' : `Did you mean ${near}? `}There are: ${names.join(', ')}.`;
  throw new PlaybookError('FILE_NOT_FOUND', `There is ${which} of ${service} in ${folder}. ${next}`);
}

export interface RecordCommandOptions extends ProofOptions {
  /** @default the integration's demos/sample.*, else the first of its samples */
  readonly file: string | undefined;
  /** A file with the job's input as JSON. */
  readonly input: string | undefined;
  readonly config: string | undefined;
  readonly key: string | undefined;
  readonly unit: string | undefined;
  readonly live: boolean;
  readonly retentionDays: number | null;
  readonly maxWaitMs: number;
}

/** Runs one job and keeps its traffic. */
export async function record(io: CliIo, options: RecordCommandOptions): Promise<ExitCode> {
  const scratch = await mkdtemp(join(tmpdir(), 'playbook-sample-'));
  try {
    return await recordWith(io, options, scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @param scratch where a sample's file may lie until the job is over */
async function recordWith(io: CliIo, options: RecordCommandOptions, scratch: string): Promise<ExitCode> {
  const { service, path, retentionDays, maxWaitMs, json } = options;
  const integration = await integrationOf(service);
  const configs = configPathOf(options.config, service, io.cwd, path);
  await checkTarget(service, configFile(service, configs), integration, options);
  const input = await inputFor(io, integration, options, scratch);
  const logging = startLogging(io, 'warn', path);
  const now = new Date();
  const key = options.key ?? sampleKey(now).replace('sample', 'proof');
  if (!json) io.stderr.write(`Starting what the job needs, for it alone …\n`);
  const proof = await unlessInterrupted(io, () =>
    recordProof({
      io,
      logging,
      integration,
      input,
      configs,
      key,
      unit: options.unit ?? key,
      retentionDays,
      maxWaitMs,
      now: () => now,
    }),
  );
  if (proof === undefined) return EXIT.failed;
  const folder = await writeProof(folderOf(io, service, options.dir), proof);
  const { manifest } = proof;
  if (json) {
    io.stdout.write(`${JSON.stringify({ name: proof.name, folder, manifest })}\n`);
    return EXIT.ok;
  }
  const { requests, webhooks } = manifest.har;
  io.stdout.write(
    [
      `${manifest.outcome.state}: ${count(requests, 'request')} and ${count(webhooks, 'webhook')} of ${service}/${key} are in ${shownPath(io, folder)}`,
      `Kept ${keptUntil(manifest)}. Check it: playbook proof replay ${service}`,
      '',
    ].join('\n'),
  );
  return EXIT.ok;
}

/** A real service is asked for a job only when somebody said so. */
async function checkTarget(
  service: string,
  file: string | undefined,
  integration: Integration,
  { live, retentionDays }: RecordCommandOptions,
): Promise<void> {
  if (file === undefined) return;
  const config = await loadConfig(file, { service });
  if (isLocalSandbox(config)) return;
  const where = `${config.environment} at ${new URL(config.service.base_url).host}`;
  if (!live) {
    const price = dollars(integration.cost.perJobMicros);
    throw new PlaybookError(
      'BAD_USAGE',
      `This would send a real job to ${where} (declared price ${price}). Say --live if that is meant.`,
    );
  }
  if (retentionDays === null) {
    throw new PlaybookError('BAD_USAGE', `What ${where} answers is not kept for ever: give --retention, such as 90d.`);
  }
}

async function inputFor(
  io: CliIo,
  integration: Integration,
  options: RecordCommandOptions,
  scratch: string,
): Promise<unknown> {
  const { file, input, path, service } = options;
  if (file !== undefined && input !== undefined) throw badUsage('Give a file or --input, not both.', path);
  if (input !== undefined) return jsonInput(io, input);
  if (file !== undefined) return inputOf(integration, await onlyFile(io, file));
  const sample = await findSample([service]);
  if (sample !== undefined) return inputOf(integration, await onlyFile(io, sample.path));
  const samples = await loadSamples(INTEGRATIONS_CODE, service);
  return fileSample(integration, samples.valid(1), scratch);
}

/** Shows what was recorded. */
export async function show(io: CliIo, options: ProofOptions & { readonly bodies: boolean }): Promise<ExitCode> {
  const { name, manifest, har } = await chosenProof(io, options);
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ name, manifest, har })}\n`);
    return EXIT.ok;
  }
  const { job, outcome } = manifest;
  const facts = [
    ['proof', name],
    ['job', `${manifest.service}/${job.key}, unit ${job.unit}`],
    ['outcome', `${outcome.state}${outcome.errorCode === null ? '' : ` (${outcome.errorCode})`}`],
    ['at the service', outcome.externalId ?? '-'],
    ['cost', dollars(outcome.costMicros)],
    ['recorded', `${manifest.recordedAt} against ${manifest.environment}`],
    ['contract', `${manifest.contractVersion}; playbook ${manifest.playbookVersion}, Node ${manifest.nodeVersion}`],
    ['kept', keptUntil(manifest)],
  ];
  io.stdout.write(`${columns(facts)}\n`);
  const firstMs = Math.min(...har.log.entries.map((entry) => spanOf(entry).fromMs));
  const rows = har.log.entries.map((entry, index) => [
    String(index + 1),
    `+${seconds(spanOf(entry).fromMs - firstMs)}`,
    entry._playbook.kind,
    requestLine(entry),
    entry.response.status === 0 ? (entry._playbook.failure?.code ?? '-') : String(entry.response.status),
    `${Math.round(entry.time)} ms`,
  ]);
  io.stdout.write(columns([['#', 'AT', 'KIND', 'REQUEST', 'STATUS', 'TOOK'], ...rows]));
  if (options.bodies)
    for (const [index, entry] of har.log.entries.entries()) io.stdout.write(bodiesOf(entry, index + 1));
  return EXIT.ok;
}

function bodiesOf(entry: HarEntry, number: number): string {
  const { request, response } = entry;
  const sent = request.postData?.text ?? (request.bodySize === 0 ? '' : `[${request.bodySize} bytes]`);
  const headers = request.headers.map(({ name, value }) => `  ${name}: ${value}`);
  const lines = [`\n${number}. ${requestLine(entry)}`, ...headers, ...indented(sent)];
  return `${[...lines, `  → ${response.status}`, ...indented(response.content.text ?? '')].join('\n')}\n`;
}

function indented(text: string): readonly string[] {
  return text === '' ? [] : [`  ${text}`];
}

/** Runs today's code against what was recorded. */
export async function replay(io: CliIo, options: ProofOptions): Promise<ExitCode> {
  const proof = await chosenProof(io, options);
  const integration = await integrationOf(options.service);
  const logging = startLogging(io, 'error', options.path);
  const { replayProof } = await import('../compose/replay-proof.ts');
  const report = await unlessInterrupted(io, () =>
    withTemporaryTemporal(io, logging, async (temporal) =>
      replayProof({
        proof,
        integration,
        temporal,
        worker: { workflowBundle: await io.workflowBundle({ encrypting: false }) },
        logger: logging.logger,
        interrupt: io.interrupt,
      }),
    ),
  );
  if (report === undefined) return EXIT.failed;
  const isSame = report.differences.length === 0;
  io.stdout.write(options.json ? `${JSON.stringify({ ...report, same: isSame })}\n` : reportText(report));
  return isSame ? EXIT.ok : EXIT.failed;
}

function reportText({ proof, differences, notes, requests, tookMs }: ReplayReport): string {
  const head =
    differences.length === 0
      ? `${proof} replays: ${count(requests, 'request')}, no difference, in ${seconds(tookMs)}.`
      : `${proof} does not replay: ${count(differences.length, 'difference')}.`;
  return [head, ...differences.map((one) => `  ${one}`), ...notes.map((note) => `  note: ${note}`), ''].join('\n');
}

/** Prints the recorded requests as commands. */
export async function curl(io: CliIo, options: ProofOptions): Promise<ExitCode> {
  io.stdout.write(curlNotes(await chosenProof(io, options)));
  return EXIT.ok;
}

/** Removes what is kept no longer. */
export async function prune(
  io: CliIo,
  options: Omit<ProofOptions, 'service' | 'proof'> & {
    /** Every integration if not given. */
    readonly service: string | undefined;
    readonly dryRun: boolean;
    readonly now: () => number;
  },
): Promise<ExitCode> {
  const services = options.service === undefined ? await knownServices() : [options.service];
  for (const service of services) {
    await integrationOf(service);
    const folder = folderOf(io, service, options.dir);
    const names = await listProofs(folder);
    const removed: string[] = [];
    for (const name of names) {
      const { retention } = await readManifest(folder, name);
      if (retention === null || Date.parse(retention.until) > options.now()) continue;
      if (!options.dryRun) await removeProof(folder, name);
      removed.push(name);
    }
    if (!options.dryRun) await removeDrafts(folder, options.now());
    const kept = names.filter((name) => !removed.includes(name));
    if (options.json) io.stdout.write(`${JSON.stringify({ service, removed, kept, dryRun: options.dryRun })}\n`);
    else {
      for (const name of removed)
        io.stdout.write(`${options.dryRun ? 'would remove' : 'removed'} ${service}: ${name}\n`);
      io.stdout.write(`${service}: ${count(kept.length, 'proof')} kept.\n`);
    }
  }
  return EXIT.ok;
}

function keptUntil({ retention }: Manifest): string {
  return retention === null ? 'until somebody removes it' : `${retention.days} days, until ${retention.until}`;
}

function shownPath(io: CliIo, path: string): string {
  const short = relative(io.cwd, path);
  return short.startsWith('..') ? path : short;
}
