import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { batchItems, createBatchHandle, createPlaybookClient } from '../../client/index.ts';
import type { BatchHandle, BatchSummary, BatchView } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { failedJobs } from '../compose/failed-jobs.ts';
import { followBatch } from '../compose/follow-batch.ts';
import { integrationOf } from '../compose/service-configs.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { batchTable } from '../output/batch-text.ts';
import { batchLine } from '../output/job-line.ts';
import { createScreen } from '../output/screen.ts';
import { withRunning } from './jobs.ts';

/** A batch as the command line names it. */
interface NamedBatch {
  readonly service: string;
  readonly name: string;
  readonly json: boolean;
}

/** How many jobs of a batch are in which state. */
export async function batchStatus(io: CliIo, options: NamedBatch): Promise<ExitCode> {
  return withBatch(io, options, async ({ view }) => {
    tell(io, options, view);
    return EXIT.ok;
  });
}

/** Waits for the end of a batch that is accepted as a whole, as `playbook run --from` does. */
export async function waitForBatch(
  io: CliIo,
  { maxWaitMs, ...options }: NamedBatch & { readonly maxWaitMs: number | undefined },
): Promise<ExitCode> {
  const { json, name } = options;
  return withBatch(io, options, async ({ handle }) => {
    const over = new AbortController();
    const until = maxWaitMs === undefined ? [] : [sleep(maxWaitMs, undefined, { signal: over.signal })];
    for (const timer of until) timer.catch(() => undefined); // the batch's end comes before
    try {
      const done = await followBatch(io, createScreen(io), handle, { json, until });
      if (done === undefined) {
        io.stderr.write(`Batch ${name} goes on.\n`);
        return EXIT.pending;
      }
      return done.completed === done.jobs ? EXIT.ok : EXIT.failed;
    } finally {
      over.abort();
    }
  });
}

/** Asks for all jobs of a batch that are not over to be canceled. */
export async function cancelBatch(io: CliIo, options: NamedBatch): Promise<ExitCode> {
  return withBatch(io, options, async ({ handle }) => {
    await handle.cancel();
    tell(io, options, await handle.progress());
    return EXIT.ok;
  });
}

/** Starts the next generation of all jobs of a batch that FAILED or were CANCELED, as a batch; returns once it is accepted. */
export async function retryBatch(io: CliIo, options: NamedBatch): Promise<ExitCode> {
  const { service, name } = options;
  const integration = await integrationOf(service);
  return withBatch(io, options, async ({ client, handle }) => {
    const view = await handle.progress({ exact: true });
    const open = view.CREATED + view.PROCESSING;
    if (view.closedMs === null) {
      throw new PlaybookError(
        'NOT_RETRYABLE_STATE',
        `Batch ${name} of ${service} is not over: ${open} of ${view.jobs} jobs go on. Wait for its end, or retry a job by its key.`,
      );
    }
    const playbook = createPlaybookClient(client);
    const todo = await failedJobs(playbook, integration, name, () => batchItems(client, service, name));
    if (todo === undefined) throw unknownBatch(options);
    const { tags } = view;
    const retry = playbook.startMany(integration, todo.items, {
      name: todo.name,
      ...(tags === undefined ? {} : { tags }),
    });
    const { jobs } = await retry.fed;
    if (jobs === 0) {
      throw new PlaybookError(
        'NOT_RETRYABLE_STATE',
        `All jobs of batch ${name} of ${service} are COMPLETED, perhaps in a repetition: there is nothing to retry.`,
      );
    }
    tell(io, { ...options, name: todo.name }, justAccepted(jobs));
    return EXIT.ok;
  });
}

interface Found {
  readonly client: Client;
  readonly handle: BatchHandle<unknown>;
  readonly view: BatchView;
}

async function withBatch(io: CliIo, named: NamedBatch, work: (found: Found) => Promise<ExitCode>): Promise<ExitCode> {
  const { service, name } = named;
  return withRunning(io, async ({ client }) => {
    const handle = createBatchHandle<unknown>(client, { service, name });
    const view = await handle.progress();
    if (view.jobs === 0) throw unknownBatch(named);
    return work({ client, handle, view });
  });
}

/** A batch as it begins: visibility shows it a moment later. */
function justAccepted(jobs: number): BatchView {
  const none = { PROCESSING: 0, COMPLETED: 0, FAILED: 0, CANCELED: 0, costMicros: 0, errors: {} };
  return { ...none, CREATED: jobs, jobs, complete: true, startedMs: null, closedMs: null };
}

function unknownBatch({ service, name }: NamedBatch): PlaybookError {
  return new PlaybookError(
    'JOB_NOT_FOUND',
    `No batch ${name} of ${service} is known here. Check service and name: \`playbook jobs list --service ${service}\`.`,
  );
}

function tell(io: CliIo, { service, name, json }: NamedBatch, view: BatchView): void {
  const batch: BatchSummary = { service, name, view };
  io.stdout.write(json ? `${JSON.stringify(batchLine(batch))}\n` : batchTable([batch]));
}
