import { join } from 'node:path';
import { closeGap, noteFinding, readGaps } from '../../authoring/gaps.ts';
import type { Gap, GapStatus } from '../../authoring/gaps.ts';
import { writeWhole } from '../../authoring/write-whole.ts';
import {
  asPlaybookError,
  burstRates,
  GAP_OF,
  IDEMPOTENCY_JOBS,
  probeBurst,
  probeIdempotency,
  probeStates,
  tell,
} from '../../probe/index.ts';
import type { Asked, ProbeFinding } from '../../probe/index.ts';
import { badUsage } from '../args/bad-usage.ts';
import { currentUser } from '../compose/actor.ts';
import { ask, canAsk } from '../compose/ask.ts';
import { createClosing } from '../compose/closing.ts';
import { jobPriceMicros } from '../compose/job-price.ts';
import { startLogging } from '../compose/logging.ts';
import { probeTarget } from '../compose/probe-target.ts';
import type { ProbeTarget } from '../compose/probe-target.ts';
import { projectAt, readGapFile, serviceFolder } from '../compose/project.ts';
import { unlessInterrupted } from '../compose/unless-interrupted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { count, dollars } from '../output/format.ts';

/** Which probe, and its bounds. */
export type ProbeChoice =
  | { readonly probe: 'burst'; readonly topRate: number | undefined; readonly most: number }
  | { readonly probe: 'states'; readonly maxWaitMs: number }
  | { readonly probe: 'idempotency' };

export interface ProbeOptions {
  readonly path: readonly string[];
  readonly service: string;
  readonly choice: ProbeChoice;
  readonly config: string | undefined;
  readonly yes: boolean;
  /** The row to write into. @default that of the probe's question, else a new one */
  readonly gap: number | undefined;
  /** Only say it. */
  readonly dryRun: boolean;
  readonly project: string | undefined;
  readonly json: boolean;
}

/** Safe for a service nobody has measured yet. */
const MOST_USUAL_RATE = 50;

/** Asks a service one of the usual questions and writes what came out into its table of gaps. */
export async function runProbe(io: CliIo, options: ProbeOptions): Promise<ExitCode> {
  const { service, path, dryRun, json } = options;
  const project = projectAt(io, options.project);
  const gapFile = join(await serviceFolder(project, service), 'context-gaps.md');
  await checkGap(gapFile, options); // before anything is sent for it
  const logging = startLogging(io, 'error', path);
  const closing = createClosing();
  try {
    const target = await probeTarget(service, { io, logging, project, configPath: options.config, closing });
    const choice = bounded(options.choice, target);
    if (!target.isSandbox) await agree(io, options, choice, target);
    const found = await unlessInterrupted(io, () => asPlaybookError(async () => send(await target.open(), choice)));
    if (found === undefined) return EXIT.failed;
    const { environment } = target.config;
    const { finding, problems } = tell(found, target.subject.integration, target.config);
    const dated = `${environment}, ${new Date().toISOString().slice(0, 10)}: ${[finding, ...problems].join(' ')}`;
    const gap = dryRun
      ? undefined
      : await write(gapFile, options.gap, {
          probe: choice.probe,
          finding: dated,
          status: problems.length === 0 ? 'Closed' : 'Open',
        });
    const facts = { service, environment, ...found, finding, problems, gap: gap ?? null };
    io.stdout.write(json ? `${JSON.stringify(facts)}\n` : report(finding, problems, service, gap));
    return EXIT.ok;
  } finally {
    await closing.close();
  }
}

type BoundedChoice =
  | Exclude<ProbeChoice, { readonly probe: 'burst' }>
  | { readonly probe: 'burst'; readonly topRate: number; readonly most: number };

/** Where no rate is named: twice what the configuration allows, so that the cap is seen to hold or not. */
function bounded(choice: ProbeChoice, { config }: ProbeTarget): BoundedChoice {
  if (choice.probe !== 'burst') return choice;
  const { qps_cap: cap, window_ms: windowMs } = config.service.rate_limit;
  const usual = Math.min(MOST_USUAL_RATE, Math.ceil((2 * cap * 1000) / windowMs));
  return { ...choice, topRate: choice.topRate ?? usual };
}

function send(asked: Asked, choice: BoundedChoice): Promise<ProbeFinding> {
  switch (choice.probe) {
    case 'burst':
      return probeBurst(asked, choice);
    case 'states':
      return probeStates(asked, choice);
    case 'idempotency':
    default:
      return probeIdempotency(asked);
  }
}

/** What will be sent at most, in words, and how many jobs that makes. */
function planOf(choice: BoundedChoice, { subject }: ProbeTarget): { readonly text: string; readonly jobs: number } {
  const { integration, samples } = subject;
  switch (choice.probe) {
    case 'burst': {
      const rates = burstRates(choice);
      const reads = rates.reduce((sum, rate) => sum + rate, 2);
      const text = `${count(reads, 'read')} at up to ${Math.max(1, ...rates)} a second`;
      return integration.list === undefined ? { text: `1 job and ${text}`, jobs: 1 } : { text, jobs: 0 };
    }
    case 'states': {
      const jobs = samples.failing === undefined ? 1 : 2;
      return { text: count(jobs, 'job'), jobs };
    }
    case 'idempotency':
    default:
      return { text: count(IDEMPOTENCY_JOBS, 'job'), jobs: IDEMPOTENCY_JOBS };
  }
}

/** Says what will be sent and asks. @throws PlaybookError BAD_USAGE when nobody can answer, or says no */
async function agree(
  io: CliIo,
  { service, yes, path }: ProbeOptions,
  choice: BoundedChoice,
  target: ProbeTarget,
): Promise<void> {
  const { subject, config } = target;
  const { text, jobs } = planOf(choice, target);
  const price = dollars(jobs * jobPriceMicros(subject.integration, config));
  const where = `${config.environment} (${new URL(config.service.base_url).host})`;
  io.stderr.write(
    `At most ${text} for ${service} in environment ${where}, for ${price}. No gate paces them: what a worker sends comes on top.\n`,
  );
  if (yes) return;
  if (!canAsk(io)) throw badUsage('A real service is asked only when somebody agrees: say --yes.', path);
  const answer = await ask(io, 'Ask it? [y/N] ');
  if (!/^y(es)?$/i.test(answer)) throw badUsage('Nothing was sent.', path);
}

/**
 * Where nothing will be written the table may be missing, but a row that was named must be there.
 * @throws PlaybookError FILE_NOT_FOUND, CONFIG_INVALID for a table that cannot be read, INVALID_INPUT for a row it does not have
 */
async function checkGap(file: string, { gap, dryRun }: ProbeOptions): Promise<void> {
  if (dryRun && gap === undefined) return;
  const text = await readGapFile(file);
  if (gap === undefined) readGaps(text);
  else closeGap(text, gap, { finding: '' });
}

/** Writes the finding into the row that is meant, else under its usual question. @returns the row's number */
async function write(
  file: string,
  gap: number | undefined,
  told: Pick<Gap, 'finding' | 'status'> & { readonly probe: ProbeChoice['probe'] },
): Promise<number> {
  const { probe, finding } = told;
  const status = told.status as GapStatus;
  const text = await readGapFile(file);
  if (gap !== undefined) {
    await writeWhole(file, closeGap(text, gap, { finding, status }));
    return gap;
  }
  const noted = noteFinding(text, { ...GAP_OF[probe], priority: 'High', owner: currentUser(), finding, status });
  await writeWhole(file, noted.text);
  return noted.number;
}

function report(finding: string, problems: readonly string[], service: string, gap: number | undefined): string {
  const written =
    gap === undefined
      ? []
      : [`Gap ${gap} of ${service} is ${problems.length === 0 ? 'closed' : 'open until that is done'}.`];
  return [finding, ...problems.map((problem) => `To do: ${problem}`), ...written, ''].join('\n');
}
