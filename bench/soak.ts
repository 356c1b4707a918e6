/**
 * Our job for a long time at half of what the machine manages: memory and latency, minute by minute.
 *
 *     npm run bench:soak [-- --minutes 20]
 *
 * Writes `bench/RESULTS-soak.md`. Everything runs on 127.0.0.1, bounded in number and time. Linux only (`/proc`); build first.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '../src/embedded/ports.ts';
import { ourBundle, startContender } from './jobs/contenders.ts';
import { measurePhase } from './jobs/measure.ts';
import { startMeasured } from './jobs/process.ts';
import { startBenchServer } from './jobs/server.ts';

interface Minute {
  readonly jobs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly workerMb: number;
  readonly receiverMb: number;
  readonly workerMs: number;
  readonly load: number;
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '20' } } });
const minutes = Number(values.minutes);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const print = (line: string): void => void process.stdout.write(`${line}\n`);
/** How long the bench's service takes for a job. */
const WORK_MS = 1_000;

const folder = await mkdtemp(join(tmpdir(), 'playbook-soak-'));
const server = await startBenchServer(join(folder, 'temporal.db'));
const port = await freePort();
const service = await startMeasured('service', { port, workMs: WORK_MS });
const serviceUrl = `http://127.0.0.1:${port}`;
const bundle = await ourBundle(here('../dist/workflow-bundle.js'));
try {
  const contender = await startContender('ours', { server, serviceUrl, bundles: { ours: bundle, floor: bundle } });
  const phase = { server, contender, serviceUrl };
  await measurePhase({ ...phase, prefix: 'warm', jobs: 200 });
  const saturation = (await measurePhase({ ...phase, prefix: 'burst', jobs: 200 })).perSecond;
  const perSecond = saturation / 2;
  print(`${saturation.toFixed(1)} jobs per second at saturation; ${minutes} minutes at ${perSecond.toFixed(1)}`);
  const soaked: Minute[] = [];
  for (let nth = 1; nth <= minutes; nth += 1) {
    const jobs = Math.round(perSecond * 60);
    const { lagMs, workerMs } = await measurePhase({ ...phase, prefix: `soak-${nth}`, jobs, perSecond });
    const minute: Minute = {
      jobs,
      p50Ms: lagMs?.[0] ?? Number.NaN,
      p95Ms: lagMs?.[1] ?? Number.NaN,
      workerMb: contender.worker.residentMb(),
      receiverMb: contender.receiver?.residentMb() ?? Number.NaN,
      workerMs,
      load: loadavg()[0] ?? Number.NaN,
    };
    print(`minute ${nth}: ${JSON.stringify(minute)}`);
    soaked.push(minute);
  }
  await contender.stop();
  const report = render(soaked, saturation);
  await writeFile(here('RESULTS-soak.md'), report);
  print(report);
} finally {
  await service.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

/** `bench/RESULTS-soak.md`. The first quarter warms up; the second and the last are compared. */
function render(soaked: readonly Minute[], saturation: number): string {
  const quarter = Math.max(1, Math.floor(soaked.length / 4));
  const [early, late] = [soaked.slice(quarter, 2 * quarter), soaked.slice(-quarter)];
  const mean = (of: readonly Minute[], what: keyof Minute): number =>
    of.reduce((sum, minute) => sum + minute[what], 0) / of.length;
  const compared = (name: string, what: keyof Minute): string => {
    const [from, to] = [mean(early, what), mean(late, what)];
    return `| ${name} | ${from.toFixed(0)} | ${to.toFixed(0)} | ${(to / from).toFixed(2)}× |`;
  };
  return `# A long run

\`npm run bench:soak\` wrote this on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores, Linux, Node ${process.versions.node}, Temporal dev server. \`externalJob\` by webhook
for ${soaked.length} minutes at ${(saturation / 2).toFixed(1)} jobs per second, half of the ${saturation.toFixed(1)} at saturation: ${soaked.reduce((sum, { jobs }) => sum + jobs, 0)} jobs, all COMPLETED.

| what | second quarter | last quarter | ratio |
| --- | --- | --- | --- |
${compared('worker, resident MB', 'workerMb')}
${compared('receiver, resident MB', 'receiverMb')}
${compared('from webhook to end, P50 ms', 'p50Ms')}
${compared('from webhook to end, P95 ms', 'p95Ms')}

| minute | jobs | worker MB | receiver MB | worker CPU, ms a job | P50 ms | P95 ms | load |
| --- | --- | --- | --- | --- | --- | --- | --- |
${soaked
  .map(
    (at, nth) =>
      `| ${nth + 1} | ${at.jobs} | ${at.workerMb.toFixed(0)} | ${at.receiverMb.toFixed(0)} | ${at.workerMs.toFixed(1)} | ${at.p50Ms.toFixed(0)} | ${at.p95Ms.toFixed(0)} | ${at.load.toFixed(1)} |`,
  )
  .join('\n')}
`;
}
