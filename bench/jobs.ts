/**
 * Our job beside a minimal hand-written Temporal workflow and beside the usual timer loop: on one server, in one run, in turns.
 *
 *     npm run bench [-- --jobs 300 --rounds 2 --seconds 30]
 *
 * Writes `bench/RESULTS.md`. Everything runs on 127.0.0.1, bounded in number and time: about ten minutes. Linux only (`/proc`).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { defaultClient, defaultWebhookSecret } from '../src/sandbox/index.ts';
import { freePort } from '../src/embedded/ports.ts';
import { CONTENDERS, ourBundle, startContender, type ContenderName, type ContenderOptions } from './jobs/contenders.ts';
import { historyOf, measurePhase, type Phase } from './jobs/measure.ts';
import { cpuMsOf, startMeasured } from './jobs/process.ts';
import { renderReport, type Measurements, type OurOwn } from './jobs/report.ts';
import { startBenchServer, type BenchServer } from './jobs/server.ts';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '30' },
    waiting: { type: 'string', default: '1000' },
  },
});
const [jobs, rounds, seconds, waiting] = [values.jobs, values.rounds, values.seconds, values.waiting].map(Number) as [
  number, number, number, number,
]; // prettier-ignore
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const print = (line: string): void => void process.stdout.write(`${line}\n`);
/** How long the bench's service takes for a job. */
const WORK_MS = 1_000;
/** Jobs before any is measured: compilers, caches and pools are warm by then. The pollers, which are far from any bound, need fewer. */
const WARM_UP = 200;

const load = loadavg()
  .map((value) => value.toFixed(1))
  .join(', ');
const folder = await mkdtemp(join(tmpdir(), 'playbook-bench-'));
const floorBundle = join(folder, 'floor.js');
const { code } = await bundleWorkflowCode({
  workflowsPath: here('jobs/floor-workflows.ts'),
  logger: new DefaultLogger('ERROR'),
});
await writeFile(floorBundle, code);
const bundles = { ours: await ourBundle(here('../dist/workflow-bundle.js')), floor: floorBundle };
const server = await startBenchServer(join(folder, 'temporal.db'));
const [port, slowPort] = [await freePort(), await freePort()];
const service = await startMeasured('service', { port, workMs: WORK_MS });
const slow = await startMeasured('service', { port: slowPort, workMs: 3_600_000 });
const options: ContenderOptions = { server, serviceUrl: `http://127.0.0.1:${port}`, bundles };
try {
  const samples = new Map<ContenderName, { saturated: Phase[]; paced: Phase[]; databaseBytes: number[] }>();
  const shapes = new Map<ContenderName, Awaited<ReturnType<typeof historyOf>>>();
  let pacedPerSecond = 0;
  // Ours first: half of its saturation is everybody's pace. Then the floor, so that what the machine does meanwhile falls on both alike.
  const byWebhook: readonly ContenderName[] = ['ours', 'floor', 'ours, trusting'];
  const pollers: readonly ContenderName[] = ['timer loop', 'ours, polling'];
  // The server is fresh: whoever came first would pay for that.
  const opener = await startContender('floor', options);
  await measurePhase({ server, contender: opener, serviceUrl: options.serviceUrl, prefix: 'opening', jobs: WARM_UP });
  await opener.stop();
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of round === 1 ? [...byWebhook, ...pollers] : byWebhook.toReversed()) {
      const contender = await startContender(name, options);
      try {
        const prefix = `${name.replaceAll(/[ ,]+/g, '-')}-${round}`;
        const phase = { server, contender, serviceUrl: options.serviceUrl };
        await measurePhase({
          ...phase,
          prefix: `${prefix}-warm`,
          jobs: pollers.includes(name) ? WARM_UP / 5 : WARM_UP,
        });
        const bytesBefore = await server.databaseBytes();
        const saturated = await measurePhase({ ...phase, prefix: `${prefix}-burst`, jobs });
        const databaseBytes = ((await server.databaseBytes()) - bytesBefore) / jobs;
        if (pacedPerSecond === 0) pacedPerSecond = saturated.perSecond / 2;
        const pacedJobs = Math.max(20, Math.round(pacedPerSecond * seconds));
        const paced = await measurePhase({
          ...phase,
          prefix: `${prefix}-paced`,
          jobs: pacedJobs,
          perSecond: pacedPerSecond,
        });
        print(`${name} ${round}: ${JSON.stringify({ saturated, paced, databaseBytes })}`);
        const sample = samples.get(name) ?? { saturated: [], paced: [], databaseBytes: [] };
        sample.saturated.push(saturated);
        sample.paced.push(paced);
        sample.databaseBytes.push(databaseBytes);
        samples.set(name, sample);
        shapes.set(name, await historyOf(server.client, contender.workflowId(`${prefix}-paced-${pacedJobs - 1}`)));
      } finally {
        await contender.stop();
      }
    }
  }
  const contenders = CONTENDERS.flatMap((name): Measurements[] => {
    const [sample, shape] = [samples.get(name), shapes.get(name)];
    if (sample === undefined || shape === undefined) return [];
    const { events, bytes, types } = shape;
    return [
      {
        name,
        saturated: middle(sample.saturated),
        paced: middle(sample.paced),
        databaseBytes: mean(sample.databaseBytes),
        events,
        historyBytes: bytes,
        types,
      },
    ];
  });
  const report = renderReport({
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Linux`,
    load,
    rounds,
    pacedPerSecond,
    contenders,
    own: await ourOwn(server),
  });
  await writeFile(here('RESULTS.md'), report);
  print(report);
} finally {
  await Promise.all([service.stop(), slow.stop()]);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

function mean(of: readonly number[]): number {
  return of.reduce((sum, value) => sum + value, 0) / of.length;
}

/** Means of the rounds. */
function middle(phases: readonly Phase[]): Phase {
  const over = (value: (phase: Phase) => number): number => mean(phases.map(value));
  const hasLag = phases.every(({ lagMs }) => lagMs !== undefined);
  const lag = (index: 0 | 1 | 2): number => over(({ lagMs }) => lagMs?.[index] ?? Number.NaN);
  return {
    jobs: over((phase) => phase.jobs),
    perSecond: over((phase) => phase.perSecond),
    workerMs: over((phase) => phase.workerMs),
    receiverMs: over((phase) => phase.receiverMs),
    serverMs: over((phase) => phase.serverMs),
    actions: over((phase) => phase.actions),
    transactions: over((phase) => phase.transactions),
    requests: over((phase) => phase.requests),
    lagMs: hasLag ? [lag(0), lag(1), lag(2)] : undefined,
  };
}

/** Memory, idle cost and cold start of our side alone. */
async function ourOwn(on: BenchServer): Promise<OurOwn> {
  const contender = await startContender('ours', { ...options, serviceUrl: `http://127.0.0.1:${slowPort}` });
  try {
    await sleep(3_000);
    const [idleMb, fromServer, fromWorker] = [contender.worker.residentMb(), on.cpuMs(), contender.worker.cpuMs()];
    await sleep(10_000);
    const [idleServerMs, idleWorkerMs] = [(on.cpuMs() - fromServer) / 10, (contender.worker.cpuMs() - fromWorker) / 10];
    for (let nth = 0; nth < waiting; nth += 1) await contender.start(`waiting-${nth}`);
    const query = `WorkflowId STARTS_WITH '${contender.workflowId('waiting-')}' AND PlaybookState = 'PROCESSING'`;
    while ((await on.client.workflow.count(query)).count < waiting) await sleep(500);
    await sleep(5_000);
    const waitingMb = contender.worker.residentMb();
    return { coldStartMs: await coldStart(on), idleMb, idleServerMs, idleWorkerMs, waitingJobs: waiting, waitingMb };
  } finally {
    await contender.stop();
  }
}

/** The whole worker of docproc, from the command to polling. */
async function coldStart(on: BenchServer): Promise<number> {
  const config = join(folder, 'docproc.yaml');
  await writeFile(
    config,
    `environment: sandbox
service: { base_url: 'http://127.0.0.1:9', version: v3, rate_limit: { qps_cap: 8 } }
auth: { type: oauth_client_credentials, token_url: 'http://127.0.0.1:9/oauth/token', scopes: [jobs.write, jobs.read], client_id: ${defaultClient.id} }
webhook: { public_url: 'http://127.0.0.1:9' }
`,
  );
  const startedMs = performance.now();
  const worker = spawn(here('../bin/playbook.js'), ['worker', '--config', `docproc=${config}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: on.address,
      DOCPROC_CLIENT_SECRET: defaultClient.secret,
      DOCPROC_WEBHOOK_SECRET: defaultWebhookSecret,
      DOCPROC_CALLBACK_SECRET: 'a callback secret of the bench',
    },
  });
  const gone = once(worker, 'exit');
  try {
    const said: string[] = [];
    const polls = new Promise<void>((resolve) => {
      for (const stream of [worker.stdout, worker.stderr]) {
        createInterface(stream).on('line', (line) => {
          said.push(line);
          if (line.includes('Worker is polling')) resolve();
        });
      }
    });
    const early = gone.then(() => {
      throw new Error(`playbook worker ended:\n${said.join('\n')}`);
    });
    await Promise.race([polls, early]);
    print(`cold start used ${cpuMsOf(worker.pid ?? 0)} ms of CPU`);
    early.catch(() => undefined);
    return performance.now() - startedMs;
  } finally {
    worker.kill('SIGKILL');
    await gone;
  }
}
