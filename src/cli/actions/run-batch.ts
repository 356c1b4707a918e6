import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { createPlaybookClient } from '../../client/index.ts';
import type { BatchHandle, BatchItem, BatchView, PlaybookClient } from '../../client/index.ts';
import type { JobOutcome } from '../../contracts/jobs.ts';
import { badUsage } from '../args/bad-usage.ts';
import { openAccess } from '../compose/access.ts';
import { batchSource, type BatchSource } from '../compose/batch-source.ts';
import { hasWorker } from '../compose/has-worker.ts';
import { startLogging } from '../compose/logging.ts';
import { configPaths, integrationOf } from '../compose/service-configs.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { batchProgressLine, batchSummary, type FailureGroup } from '../output/batch-text.ts';
import { endedLine, refusedLine } from '../output/job-line.ts';
import { createScreen } from '../output/screen.ts';
import type { Integration } from '../../definition/index.ts';

export interface RunBatchOptions {
  readonly path: readonly string[];
  readonly service: string;
  readonly from: string;
  readonly name?: string | undefined;
  readonly unit?: string | undefined;
  readonly out?: string | undefined;
  readonly config?: string | undefined;
  /** Only those of the batch that FAILED or were CANCELED, as the next generation. */
  readonly retryFailed: boolean;
  readonly json: boolean;
}

const VIEW_EVERY_MS = 1_000;

/** Many jobs as one batch, to their end: the same command again takes it up where it was left. */
export async function runBatch(io: CliIo, options: RunBatchOptions): Promise<ExitCode> {
  const { service, path, from, unit, json } = options;
  const integration = await integrationOf(service);
  const configs = configPaths(options.config === undefined ? [] : [options.config], [service], io.cwd, path);
  const source = await batchSource(integration, { from, cwd: io.cwd, path });
  const screen = createScreen(io);
  const guarded = json ? io : screen.guard(io);
  const logging = startLogging(guarded, 'warn', path);
  const access = await openAccess({ io: guarded, logging, services: [service], configs });
  try {
    if (access.kind === 'external' && !(await hasWorker(access.client))) {
      guarded.stderr.write('No worker is polling there yet: jobs wait until one is (`playbook worker`).\n');
    }
    const playbook = createPlaybookClient(access.client);
    const first = options.name ?? source.name;
    const todo = options.retryFailed
      ? await failedOnes(playbook, integration, source, first, path)
      : { name: first, items: source.items() };
    let refused = 0;
    const batch = playbook.startMany(integration, todo.items, {
      name: todo.name,
      ...(unit === undefined ? {} : { unit }),
      onRefused: ({ key }, error) => {
        refused += 1;
        const line = refusedLine({ service, key, workflowId: `batch/${service}/${todo.name}` }, error);
        if (json) io.stdout.write(`${JSON.stringify(line)}\n`);
        else guarded.stderr.write(`${error.code}: ${error.message}\n`);
      },
    });
    const stopShowing = json ? () => undefined : showProgress(screen, batch);
    try {
      const reading = read(io, options, batch);
      reading.catch(() => undefined); // after an interruption nobody waits for it
      const broken = access.broken === undefined ? [] : [access.broken];
      const done = await Promise.race([reading, untilAborted(io.interrupt), ...broken]);
      stopShowing();
      if (done === undefined) {
        const { complete } = await batch.progress();
        const rest = complete ? '' : ' What is not accepted yet waits for that.';
        guarded.stderr.write(`Detached: batch ${todo.name} goes on. The same command takes it up again.${rest}\n`);
        return EXIT.pending;
      }
      const view = await batch.progress();
      if (!json) io.stdout.write(summaryOf(todo.name, done, view));
      return done.completed === done.jobs && refused === 0 ? EXIT.ok : EXIT.failed;
    } finally {
      stopShowing();
    }
  } finally {
    await access.close();
  }
}

interface Read {
  readonly jobs: number;
  readonly completed: number;
  readonly costMicros: number;
  readonly failures: readonly FailureGroup[];
}

/** Reads all results, writes them where they are wanted, and groups the failures. */
async function read(io: CliIo, { out, json }: RunBatchOptions, batch: BatchHandle<unknown>): Promise<Read> {
  const file = out === undefined ? undefined : createWriteStream(resolve(io.cwd, out));
  const sums = { jobs: 0, completed: 0, costMicros: 0 };
  const groups = new Map<string, { jobs: number; readonly example: FailureGroup['example'] }>();
  try {
    for await (const outcome of batch.results()) {
      sums.jobs += 1;
      sums.completed += Number(outcome.state === 'COMPLETED');
      sums.costMicros += outcome.costMicros;
      if (outcome.error !== null) group(groups, outcome.key, outcome.error);
      const line = `${JSON.stringify(endedLine(outcome))}\n`;
      if (json) io.stdout.write(line);
      if (file !== undefined && !file.write(line)) await once(file, 'drain');
    }
  } finally {
    file?.end();
    if (file !== undefined) await finished(file);
  }
  const failures = [...groups].map(([code, rest]) => ({ code, ...rest })).toSorted((a, b) => b.jobs - a.jobs);
  return { ...sums, failures };
}

function group(
  groups: Map<string, { jobs: number; readonly example: FailureGroup['example'] }>,
  key: string,
  { code, message }: NonNullable<JobOutcome['error']>,
): void {
  const known = groups.get(code);
  if (known === undefined) groups.set(code, { jobs: 1, example: { key, message } });
  else known.jobs += 1;
}

function summaryOf(name: string, done: Read, { startedMs, closedMs }: BatchView): string {
  const tookMs = startedMs === null || closedMs === null ? null : closedMs - startedMs;
  return batchSummary(name, { ...done, tookMs }, done.failures);
}

/** Keeps a live line until it is told to stop; without a terminal there is none. */
function showProgress(screen: ReturnType<typeof createScreen>, batch: BatchHandle<unknown>): () => void {
  if (!screen.isLive) return () => undefined;
  let last: { readonly ended: number; readonly atMs: number } | undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    const view = await batch.progress().catch(() => undefined);
    if (view === undefined || isOver) return;
    const ended = view.COMPLETED + view.FAILED + view.CANCELED;
    const atMs = performance.now();
    const perSecond = last === undefined ? 0 : ((ended - last.ended) * 1_000) / (atMs - last.atMs);
    last ??= { ended, atMs };
    screen.live([batchProgressLine(batch.name, view, { perSecond })]);
  };
  const timer = setInterval(() => void look(), VIEW_EVERY_MS);
  void look();
  return () => {
    isOver = true;
    clearInterval(timer);
    screen.live([]);
  };
}

/** The jobs of a batch, or of its latest repetition, that did not complete: as a batch of their own. */
async function failedOnes(
  playbook: PlaybookClient,
  integration: Integration,
  source: BatchSource,
  first: string,
  path: readonly string[],
): Promise<{ readonly name: string; readonly items: AsyncIterable<BatchItem<unknown>> }> {
  let from = playbook.batch(integration, first);
  if ((await from.progress()).jobs === 0)
    throw badUsage(`There is no batch ${first} of ${integration.service} yet: run it first.`, path);
  let name = `${first}.retry-1`;
  for (let nth = 1; ; nth += 1) {
    name = `${first}.retry-${nth}`;
    const retry = playbook.batch(integration, name);
    const { jobs, complete, closedMs } = await retry.progress();
    // One that is under way is taken up again.
    if (jobs === 0 || !complete || closedMs === null) break;
    from = retry;
  }
  const failed = new Map<string, number>();
  for await (const { key, state, generation } of from.results()) {
    if (state !== 'COMPLETED') failed.set(key, generation);
  }
  const items = async function* (): AsyncGenerator<BatchItem<unknown>, void> {
    for await (const item of source.items()) {
      const generation = failed.get(item.key);
      if (generation !== undefined) yield { ...item, generation: generation + 1 };
    }
  };
  return { name, items: items() };
}
