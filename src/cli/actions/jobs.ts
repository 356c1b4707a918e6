import { readFile } from 'node:fs/promises';
import { createJobHandle, createPlaybookClient, findBatchJobs, findJob, listBatches } from '../../client/index.ts';
import type { FoundJob, JobSnapshot, ListFilter } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { openRunning } from '../compose/access.ts';
import type { Access } from '../compose/access.ts';
import { awaitJob } from '../compose/await-job.ts';
import { checkFiles, fileRef, inputOf } from '../compose/file-input.ts';
import { derivedKey } from '../compose/job-key.ts';
import { checkService } from '../compose/operated-services.ts';
import { integrationOf } from '../compose/service-configs.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { batchTable } from '../output/batch-text.ts';
import { batchJobDetails, jobDetails, jobTable } from '../output/job-text.ts';
import { batchLine, snapshotLine } from '../output/job-line.ts';
import { createReport } from '../output/report.ts';
import { exitCodeOfJobs } from './run.ts';

/** A job as the command line names it. */
export interface Named {
  readonly workflowId: string;
  readonly json: boolean;
}

export interface StartJobOptions {
  readonly service: string;
  /** A file to make the input of, or one that holds it as JSON; `-` is stdin. */
  readonly from: { readonly file: string } | { readonly json: string };
  readonly key: string | undefined;
  readonly unit: string | undefined;
  readonly json: boolean;
}

/** Starts a job and returns as soon as it is accepted. */
export async function startJob(io: CliIo, options: StartJobOptions): Promise<ExitCode> {
  const { service, unit } = options;
  const integration = await integrationOf(service);
  const { from } = options;
  const input = 'file' in from ? inputOf(integration, await onlyFile(io, from.file)) : await jsonInput(io, from.json);
  const key = options.key ?? derivedKey({ service, input, unit, configDigest: undefined });
  return withRunning(io, async ({ client }) => {
    const playbook = createPlaybookClient(client);
    const handle = await playbook.start(integration, input, { key, ...(unit === undefined ? {} : { unit }) });
    tell(io, await handle.status(), options.json);
    return EXIT.ok;
  });
}

/** One file, which must be there. @throws PlaybookError FILE_NOT_FOUND */
export async function onlyFile(io: CliIo, path: string): ReturnType<typeof fileRef> {
  const [absolute = path] = await checkFiles([path], io.cwd);
  return fileRef(absolute);
}

/** Reads a job's input; `-` is stdin. @throws PlaybookError FILE_NOT_FOUND, INVALID_INPUT */
export async function jsonInput(io: CliIo, path: string): Promise<unknown> {
  const text = path === '-' ? (await readAll(io.stdin)).toString('utf8') : await readNamed(io, path);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const where = path === '-' ? 'Standard input' : path;
    throw new PlaybookError('INVALID_INPUT', `${where} is not valid JSON. Nothing was sent.`, { cause });
  }
}

async function readNamed(io: CliIo, path: string): Promise<string> {
  const [absolute = path] = await checkFiles([path], io.cwd);
  return readFile(absolute, 'utf8');
}

/** All of a stream. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What the server knows of a job. */
export async function jobStatus(io: CliIo, { workflowId, json }: Named): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    const handle = createJobHandle<unknown>(client, workflowId);
    const job = await handle.status().catch((error: unknown) => {
      if (error instanceof PlaybookError && error.code === 'JOB_NOT_FOUND') return undefined;
      throw error;
    });
    // Not one that ran alone: in a batch, perhaps.
    const batched = await findBatchJobs(client, handle.service, handle.key);
    if (job === undefined && batched.length === 0) await handle.status();
    if (job !== undefined) tell(io, job, json);
    for (const found of batched) io.stdout.write(json ? `${JSON.stringify(found)}\n` : batchJobDetails(found));
    return EXIT.ok;
  });
}

/** Waits for a job's end, as `playbook run` does. */
export async function waitForJob(
  io: CliIo,
  { workflowId, json, maxWaitMs }: Named & { readonly maxWaitMs: number | undefined },
): Promise<ExitCode> {
  return withJob(io, workflowId, async (handle) => {
    const report = createReport(io, { json, names: [workflowId] });
    try {
      const line = await awaitJob(handle, { maxWaitMs, interrupt: io.interrupt });
      report.ended(0, line);
      return exitCodeOfJobs([line]);
    } finally {
      report.close();
    }
  });
}

/** Asks for a job to be canceled; it ends once the service has been told. */
export async function cancelJob(io: CliIo, { workflowId, json }: Named): Promise<ExitCode> {
  return withJob(io, workflowId, async (handle) => {
    await handle.cancel();
    tell(io, await handle.status(), json);
    return EXIT.ok;
  });
}

/** Starts the next generation of a job that FAILED or was CANCELED. */
export async function retryJob(io: CliIo, { workflowId, json }: Named): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    await (await findJob(client, workflowId)).retry();
    // One of a batch runs alone from now on.
    tell(io, await createJobHandle(client, workflowId).status(), json);
    return EXIT.ok;
  });
}

/** Lists jobs that run alone, then batches, the latest first. */
export async function listJobs(
  io: CliIo,
  { json, ...filter }: ListFilter & { readonly json: boolean },
): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    const jobs: JobSnapshot[] = [];
    let found = 0;
    for await (const job of createPlaybookClient(client).list(filter)) {
      found += 1;
      if (json) io.stdout.write(`${JSON.stringify(snapshotLine(job))}\n`);
      else jobs.push(job);
    }
    const batches = await listBatches(client, filter);
    if (found === 0 && batches.length === 0 && filter.service !== undefined) await checkService(client, filter.service);
    for (const batch of json ? batches : []) io.stdout.write(`${JSON.stringify(batchLine(batch))}\n`);
    if (!json && (jobs.length > 0 || batches.length === 0)) io.stdout.write(jobTable(jobs));
    if (!json && batches.length > 0) io.stdout.write(`${jobs.length > 0 ? '\n' : ''}${batchTable(batches)}`);
    return EXIT.ok;
  });
}

function tell(io: CliIo, job: JobSnapshot, json: boolean): void {
  io.stdout.write(json ? `${JSON.stringify(snapshotLine(job))}\n` : jobDetails(job));
}

function withJob(io: CliIo, workflowId: string, work: (handle: FoundJob) => Promise<ExitCode>): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => work(await findJob(client, workflowId)));
}

/** Does something with whatever Temporal is there. */
export async function withRunning(io: CliIo, work: (access: Access) => Promise<ExitCode>): Promise<ExitCode> {
  const access = await openRunning(io);
  try {
    return await work(access);
  } finally {
    await access.close();
  }
}
