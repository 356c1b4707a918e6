import { join } from 'node:path';
import { readControl } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { loadConfig } from '../../definition/index.ts';
import type { ServiceConfig } from '../../definition/index.ts';
import {
  conformance,
  createJobBench,
  isConformant,
  LAYERS,
  liveConformance,
  loadSubject,
  MATRIX,
  writeReport,
} from '../../testing/index.ts';
import type { Conformance, ConformanceOptions, ConformanceReport, Layer, Subject } from '../../testing/index.ts';
import { badUsage, didYouMean } from '../args/bad-usage.ts';
import { openAccess } from '../compose/access.ts';
import { ask, canAsk } from '../compose/ask.ts';
import { jobPriceMicros } from '../compose/job-price.ts';
import { startLogging } from '../compose/logging.ts';
import { configFile, configPathOf } from '../compose/service-configs.ts';
import { withTemporaryTemporal } from '../compose/temporary-temporal.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { dollars } from '../output/format.ts';
import { caseLine, summaryLines } from '../output/conformance-text.ts';
import { INTEGRATIONS_CODE, INTEGRATIONS_FOLDER, PACKAGE_FOLDER } from '../package-folders.ts';

export interface TestOptions {
  readonly path: readonly string[];
  readonly service: string;
  readonly layers: readonly string[];
  readonly rows: readonly string[];
  readonly live: boolean;
  readonly config: string | undefined;
  readonly yes: boolean;
  readonly maxCostMicros: number;
  readonly json: boolean;
}

/** Where reports are kept; the tests of integrations keep theirs there, too. */
const REPORTS = join(PACKAGE_FOLDER, '.playbook', 'conformance');
/** A real service takes its time. */
const LIVE_JOB_MS = 600_000;

/** Runs the matrix of an integration against its sandbox, or what is safe of it against the configured environment. */
export async function testIntegration(io: CliIo, options: TestOptions): Promise<ExitCode> {
  const chosen = chooseRows(options);
  const subject = await loadSubject(options.service, { documents: INTEGRATIONS_FOLDER, code: INTEGRATIONS_CODE });
  const report = options.live
    ? await runLive(io, options, subject, chosen)
    : await runOnSandbox(io, options, subject, chosen);
  const isWhole = chosen.layers === undefined && chosen.ids === undefined;
  const kept = isWhole ? await writeReport(report, REPORTS) : undefined;
  if (options.json) io.stdout.write(`${JSON.stringify(report)}\n`);
  else for (const line of summaryLines(report, kept)) io.stdout.write(`${line}\n`);
  const good = isWhole ? isConformant(report) : report.rows.every(({ status }) => status !== 'failed');
  return good ? EXIT.ok : EXIT.failed;
}

/** @throws PlaybookError BAD_USAGE for a layer or row that does not exist, or a flag that says nothing without --live */
function chooseRows({ layers, rows, live, config, yes, path }: TestOptions): ConformanceOptions {
  if (!live && (config !== undefined || yes)) {
    throw badUsage('--config and --yes are for --live: without it the sandbox is tested.', path);
  }
  const isLayer = (name: string): name is Layer => (LAYERS as readonly string[]).includes(name);
  const known = MATRIX.map(({ id }) => id);
  for (const [flag, given, all] of [
    ['layer', layers, LAYERS],
    ['row', rows, known],
  ] as const) {
    const unknown = given.find((name) => !(all as readonly string[]).includes(name));
    if (unknown === undefined) continue;
    const near = didYouMean(unknown, all, (name) => name);
    throw badUsage(`--${flag} must be one of ${all.join(', ')} (got ${JSON.stringify(unknown)}).${near}`, path);
  }
  return {
    ...(layers.length === 0 ? {} : { layers: layers.filter(isLayer) }),
    ...(rows.length === 0 ? {} : { ids: rows }),
  };
}

async function runOnSandbox(
  io: CliIo,
  { path, json, service }: TestOptions,
  subject: Subject,
  chosen: ConformanceOptions,
): Promise<ConformanceReport> {
  const logging = startLogging(io, 'error', path);
  if (!json) io.stderr.write(`Starting Temporal, worker, receiver and the sandbox of ${service} …\n`);
  return withTemporaryTemporal(io, logging, async ({ client, connection, namespace }) => {
    const workflowBundle = await io.workflowBundle({ encrypting: false });
    const host = { client, connection, namespace, workflowBundle };
    const matrix = conformance(subject, async () => host, chosen);
    try {
      await runCases(io, matrix, json);
      return matrix.report();
    } finally {
      await matrix.close();
    }
  });
}

async function runLive(
  io: CliIo,
  options: TestOptions,
  subject: Subject,
  chosen: ConformanceOptions,
): Promise<ConformanceReport> {
  const { service, path, json, maxCostMicros } = options;
  const configs = configPathOf(options.config, service, io.cwd, path);
  const file = configFile(service, configs);
  if (file === undefined) {
    throw badUsage(
      `${service} has no configuration: name one with --config, or write integrations/${service}/config.yaml.`,
      path,
    );
  }
  const config = await loadConfig(file, { service });
  const priceMicros = jobPriceMicros(subject.integration, config);
  await agree(io, options, config, priceMicros, liveJobs(subject, chosen));
  const logging = startLogging(io, 'warn', path);
  const access = await openAccess({ io, logging, services: [service], configs });
  const { client } = access;
  const bench = await createJobBench(subject, subject.integration, client, `conformance-${Date.now()}`, LIVE_JOB_MS);
  let spentMicros = 0;
  try {
    if (!(await readControl(client, service)).enabled) {
      throw new PlaybookError(
        'INTEGRATION_DISABLED',
        `${service} is disabled there: \`playbook enable ${service}\`, or \`playbook allow ${service} conformance\`, then again.`,
      );
    }
    const ended: typeof bench.ended = async (job) => {
      const outcome = await bench.ended(job);
      spentMicros += outcome.costMicros;
      return outcome;
    };
    const start: typeof bench.start = (input, key) => {
      if (spentMicros + priceMicros <= maxCostMicros) return bench.start(input, key);
      throw new PlaybookError(
        'BAD_USAGE',
        `${dollars(spentMicros)} are spent, and another job would go beyond --max-cost ${dollars(maxCostMicros)}.`,
      );
    };
    const matrix = liveConformance(subject, { ...bench, ended, start }, chosen);
    const running = runCases(io, matrix, json);
    await Promise.race([running, ...(access.broken === undefined ? [] : [access.broken])]);
    return matrix.report();
  } finally {
    await bench.close();
    await access.close();
  }
}

/** How many jobs the chosen rows start at the service. */
function liveJobs({ samples }: Subject, { layers, ids }: ConformanceOptions): number {
  const jobs = { H1: 1, I1: 1, ...(samples.failing === undefined ? {} : { F1: 1 }) };
  const wanted = MATRIX.filter(
    ({ id, layer }) => (ids === undefined || ids.includes(id)) && (layers === undefined || layers.includes(layer)),
  );
  return wanted.reduce((sum, { id }) => sum + ((jobs as Record<string, number>)[id] ?? 0), 0);
}

/** Says what will happen and asks. @throws PlaybookError BAD_USAGE when nobody can answer, or says no */
async function agree(
  io: CliIo,
  { service, yes, maxCostMicros, path }: TestOptions,
  { environment, service: { base_url, rate_limit } }: ServiceConfig,
  priceMicros: number,
  jobs: number,
): Promise<void> {
  const price = priceMicros * jobs;
  if (price > maxCostMicros) {
    throw badUsage(`${jobs} jobs cost ${dollars(price)}, which is above --max-cost ${dollars(maxCostMicros)}.`, path);
  }
  io.stderr.write(
    `${jobs} jobs for ${service} in environment ${environment} (${new URL(base_url).host}), at most ${rate_limit.qps_cap} requests per ${rate_limit.window_ms / 1000} s, for ${dollars(price)}.\n`,
  );
  if (yes) return;
  if (!canAsk(io)) throw badUsage('A real service is asked only when somebody agrees: say --yes.', path);
  const answer = await ask(io, 'Run them? [y/N] ');
  if (!/^y(es)?$/i.test(answer)) throw badUsage('Nothing was sent.', path);
}

async function runCases(
  io: CliIo,
  { cases, report }: Pick<Conformance, 'cases' | 'report'>,
  json: boolean,
): Promise<void> {
  for (const { id, run } of cases) {
    io.interrupt.throwIfAborted();
    await run().catch(() => undefined); // it is in the report
    const row = report().rows.find((one) => one.id === id);
    if (!json && row !== undefined) io.stdout.write(`${caseLine(row)}\n`);
  }
}
