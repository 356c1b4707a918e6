import { createPlaybookClient } from '../../client/index.ts';
import { badUsage } from '../args/bad-usage.ts';
import { openAccess } from '../compose/access.ts';
import { batchSource } from '../compose/batch-source.ts';
import { failedJobs } from '../compose/failed-jobs.ts';
import { followBatch } from '../compose/follow-batch.ts';
import { tellWithoutWorker } from '../compose/has-worker.ts';
import { startLogging } from '../compose/logging.ts';
import { configPathOf, integrationOf } from '../compose/service-configs.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { refusedLine } from '../output/job-line.ts';
import { createScreen } from '../output/screen.ts';

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

/** Many jobs as one batch, to their end: the same command again takes it up where it was left. */
export async function runBatch(io: CliIo, options: RunBatchOptions): Promise<ExitCode> {
  const { service, path, from, unit, json } = options;
  const integration = await integrationOf(service);
  const configs = configPathOf(options.config, service, io.cwd, path);
  const source = await batchSource(integration, { from, cwd: io.cwd, path });
  const screen = createScreen(io);
  const guarded = json ? io : screen.guard(io);
  const logging = startLogging(guarded, 'warn', path);
  const access = await openAccess({ io: guarded, logging, services: [service], configs });
  try {
    await tellWithoutWorker(access, (note) => guarded.stderr.write(`${note}\n`));
    const playbook = createPlaybookClient(access.client);
    const first = options.name ?? source.name;
    const todo = options.retryFailed
      ? await failedJobs(playbook, integration, first, source.items)
      : { name: first, items: source.items() };
    if (todo === undefined) throw badUsage(`There is no batch ${first} of ${service} yet: run it first.`, path);
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
    const broken = access.broken === undefined ? [] : [access.broken];
    const done = await followBatch(io, screen, batch, { json, out: options.out, until: broken });
    if (done === undefined) {
      const { complete } = await batch.progress();
      const rest = complete ? '' : ' What is not accepted yet waits for that.';
      guarded.stderr.write(`Detached: batch ${todo.name} goes on. The same command takes it up again.${rest}\n`);
      return EXIT.pending;
    }
    if (done.jobs + refused === 0) {
      const none = options.retryFailed ? `no job of batch ${first} is to be retried` : `${from} has no jobs`;
      guarded.stderr.write(`Nothing was sent: ${none}.\n`);
    }
    return done.completed === done.jobs && refused === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await access.close();
  }
}
