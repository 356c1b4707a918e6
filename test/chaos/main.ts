/**
 * Jobs under steady load while processes are killed and paused, networks fail, clocks are wrong, the service misbehaves and somebody uses
 * the kill switch; then, job by job, what was asked, what the service holds and what Temporal says are compared. All of it runs on
 * 127.0.0.1, in processes of its own, bounded in number and time.
 *
 *     npm run chaos [-- --seed 7 --minutes 2 --jobs 420 --keep]
 *
 * What goes wrong when follows from the seed: `npm run chaos -- --seed N` does it again. Ends with 1 when the audit is not clean;
 * logs and state are then kept in the folder it names.
 */
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isClean } from './audit.ts';
import { planChaos } from './plan.ts';
import { runChaos } from './run-chaos.ts';

/** Jobs a minute: 1,600 in 8 minutes. */
const JOBS_A_MINUTE = 200;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    minutes: { type: 'string', default: '2' },
    jobs: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
const jobs = values.jobs === undefined ? Math.round(minutes * JOBS_A_MINUTE) : Number(values.jobs);
if (![seed, minutes, jobs].every((value) => Number.isFinite(value) && value >= 0) || minutes <= 0 || jobs < 1) {
  process.stderr.write('Give --seed, --minutes and --jobs as numbers: npm run chaos -- --seed 7 --minutes 2\n');
  process.exit(2);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const interrupt = new AbortController();
setMaxListeners(0, interrupt.signal); // each job and each mishap waits with it
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupt.abort(new Error(`interrupted by ${name}`)));
}
const folder = await mkdtemp(join(tmpdir(), `playbook-chaos-${seed}-`));
let clean = false;
try {
  const report = await runChaos({ plan: planChaos(seed, minutes), jobs, folder, print, signal: interrupt.signal });
  clean = isClean(report);
  await writeFile(join(folder, 'report.json'), JSON.stringify(report, undefined, 2));
  print(JSON.stringify(report, undefined, 2));
  const { lost, duplicated, wrong } = report;
  print(
    `${clean ? 'Clean' : 'NOT CLEAN'}: ${report.jobs} jobs, ${lost.length} lost, ${duplicated.length} duplicated, ${wrong.length} wrong (seed ${seed}).`,
  );
} finally {
  if (clean && !values.keep) await rm(folder, { recursive: true, force: true });
  else print(`Logs and state: ${folder}`);
}
// A connection of the SDK's that is still trying must not hold the process.
process.exit(clean ? 0 : 1);
