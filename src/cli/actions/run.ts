import { createPlaybookClient } from '../../client/index.ts';
import type { JobHandle } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { jobWorkflowId } from '../../contracts/ids.ts';
import { configDigest, loadConfig } from '../../definition/index.ts';
import type { Integration } from '../../definition/index.ts';
import { openAccess } from '../compose/access.ts';
import type { Access } from '../compose/access.ts';
import { awaitJob } from '../compose/await-job.ts';
import { InterruptedError } from '../compose/interrupted-error.ts';
import { checkFiles, fileRef, inputOf } from '../compose/file-input.ts';
import { tellWithoutWorker } from '../compose/has-worker.ts';
import { derivedKey } from '../compose/job-key.ts';
import { startLogging } from '../compose/logging.ts';
import { configPathOf, integrationOf } from '../compose/service-configs.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { createLimit } from '../limit.ts';
import { refusedLine } from '../output/job-line.ts';
import type { JobLine } from '../output/job-line.ts';
import { createReport } from '../output/report.ts';

export interface RunOptions {
  readonly path: readonly string[];
  readonly service: string;
  readonly files: readonly string[];
  readonly key?: string | undefined;
  readonly unit?: string | undefined;
  readonly config?: string | undefined;
  readonly maxWaitMs?: number | undefined;
  readonly json: boolean;
  readonly keep: boolean;
}

/** Files read and jobs started at once; waiting has no limit. */
const STARTS_AT_ONCE = 16;

/** One job per file, to its end. */
export async function runFiles(io: CliIo, options: RunOptions): Promise<ExitCode> {
  const { service, path } = options;
  const integration = await integrationOf(service);
  const configs = configPathOf(options.config, service, io.cwd, path);
  const configPath = configs.get(service);
  const digest = configPath === undefined ? undefined : configDigest(await loadConfig(configPath, { service }));
  const files = await checkFiles(options.files, io.cwd);
  const report = createReport(io, { json: options.json, names: options.files });
  const logging = startLogging(report.io, 'warn', path);

  const done = new Map<number, JobLine>();
  const run = { integration, options, digest, files, done, report, limit: createLimit(STARTS_AT_ONCE) };
  try {
    for (;;) {
      const access = await openAccess({ io: report.io, logging, services: [service], configs });
      try {
        if (configPath !== undefined && access.kind !== 'embedded') {
          report.note('The worker that runs already has its own configuration: --config is only checked.');
        }
        await tellWithoutWorker(access, report.note);
        await Promise.race([runAll(io, access, run), ...(access.broken === undefined ? [] : [access.broken])]);
        if (options.keep && access.kind === 'embedded') {
          report.note(`Kept running; Web UI ${access.uiUrl}. Ctrl-C stops it.`);
          await Promise.race([untilAborted(io.interrupt), ...(access.broken === undefined ? [] : [access.broken])]);
        }
        break;
      } catch (error) {
        // Whoever had the embedded parts has ended: take them over, and find the same jobs by their keys.
        const lost = error instanceof PlaybookError && error.code === 'TEMPORAL_UNREACHABLE';
        if (!lost || access.kind !== 'attached' || io.interrupt.aborted) throw error;
      } finally {
        await access.close();
      }
    }
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    return EXIT.pending;
  } finally {
    report.close();
  }
  return exitCodeOfJobs([...done.values()]);
}

interface Run {
  readonly integration: Integration;
  readonly options: RunOptions;
  readonly digest: string | undefined;
  readonly files: readonly string[];
  /** Jobs that need no more waiting, by index. */
  readonly done: Map<number, JobLine>;
  readonly report: ReturnType<typeof createReport>;
  readonly limit: ReturnType<typeof createLimit>;
}

async function runAll(io: CliIo, access: Access, run: Run): Promise<void> {
  const { maxWaitMs } = run.options;
  const untilMs = maxWaitMs === undefined ? undefined : performance.now() + maxWaitMs;
  const runs = run.files.map(async (path, index) => {
    if (run.done.has(index)) return;
    const line = await runOne(io, access, run, path, untilMs);
    if (run.done.has(index)) return; // told by a later round: this one's server had gone
    run.done.set(index, line);
    run.report.ended(index, line);
  });
  try {
    await Promise.all(runs);
  } finally {
    await Promise.allSettled(runs);
  }
}

async function runOne(
  io: CliIo,
  access: Access,
  run: Run,
  path: string,
  untilMs: number | undefined,
): Promise<JobLine> {
  const started = await run.limit(() => startOne(access, run, path));
  if ('state' in started) return started;
  const maxWaitMs = untilMs === undefined ? undefined : Math.max(0, untilMs - performance.now());
  return awaitJob(started, { maxWaitMs, interrupt: io.interrupt });
}

/** Starts the job of one file, or says why there is none: the others are not held up by that. */
async function startOne(access: Access, run: Run, path: string): Promise<JobHandle<unknown> | JobLine> {
  const { integration, options } = run;
  const { service, unit } = options;
  const file = await fileRef(path);
  const keyFor = (input: unknown): string =>
    options.key ?? derivedKey({ service, input, unit, configDigest: run.digest });
  try {
    const input = inputOf(integration, file);
    const key = keyFor(input);
    const playbook = createPlaybookClient(access.client);
    return await playbook.start(integration, input, { key, ...(unit === undefined ? {} : { unit }) });
  } catch (error) {
    if (!(error instanceof PlaybookError) || !isOneJobsOwn(error)) throw error;
    const key = keyFor(file);
    return refusedLine({ service, key, workflowId: jobWorkflowId(service, key) }, error);
  }
}

/** Errors that are about this file or key; any other would be every job's. */
function isOneJobsOwn({ code }: PlaybookError): boolean {
  return code === 'UNSUPPORTED_MEDIA_TYPE' || code === 'INVALID_INPUT' || code === 'IDEMPOTENCY_KEY_REUSED';
}

/** The exit code over all jobs. */
export function exitCodeOfJobs(lines: readonly JobLine[]): ExitCode {
  if (lines.some(({ state }) => state === 'FAILED' || state === 'CANCELED')) return EXIT.failed;
  return lines.some(({ state }) => state === 'PENDING') ? EXIT.pending : EXIT.ok;
}
