/**
 * Jobs on the real stack while every fault of the sandbox strikes at random; prints how they ended. The same test as in the suite
 * (`test/faults/random-faults.long.test.ts`), with more jobs.
 *
 * `npm run bench:faults [-- --jobs 500 --seed 7 | -- --resets 200]`; `--resets` runs so many jobs against a service without idempotency
 * whose every first POST is done and never answered (`test/faults/no-idempotency.temporal.test.ts`)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '500' },
    seed: { type: 'string', default: '7' },
    resets: { type: 'string' },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'playbook-faults-'));
const summary = join(folder, 'summary.json');

const child = spawn(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--experimental-vm-modules',
    join(root, 'node_modules/jest/bin/jest.js'),
    '--selectProjects=temporal',
    '--selectProjects=long',
    `--testPathPatterns=test/faults/${values.resets === undefined ? 'random-faults' : 'no-idempotency'}`,
  ],
  {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      FAULT_JOBS: values.jobs,
      FAULT_SEED: values.seed,
      FAULT_SUMMARY: summary,
      RESET_JOBS: values.resets ?? '0',
    },
  },
);
const [code] = (await once(child, 'close')) as [number | null];
const text = await readFile(summary, 'utf8').catch(() => '');
await rm(folder, { recursive: true, force: true });
if (text !== '') process.stdout.write(`${JSON.stringify(JSON.parse(text), undefined, 2)}\n`);
process.exitCode = code ?? 1;
