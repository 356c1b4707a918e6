/**
 * Runs all tests with coverage, workflow code included (it runs inside Temporal's sandbox, where ordinary coverage cannot see
 * it: test/setup instruments its bundle), and enforces the thresholds.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Count {
  readonly total: number;
  readonly covered: number;
}
type Kind = 'lines' | 'branches';
type FileCounts = Readonly<Record<Kind, Count>>;

/** Branches of workflow code are left out: its compiler adds branches of its own. */
const THRESHOLDS: readonly {
  readonly kind: Kind;
  readonly least: number;
  readonly counts: (file: string) => boolean;
}[] = [
  { kind: 'lines', least: 95, counts: () => true },
  { kind: 'branches', least: 90, counts: (file) => !file.startsWith(join('src', 'workflows') + sep) },
];
const SHOWN = 15;

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'coverage');

async function runTests(): Promise<number> {
  rmSync(folder, { recursive: true, force: true });
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--experimental-vm-modules',
    join(root, 'node_modules/jest/bin/jest.js'),
    '--maxWorkers=2',
    '--selectProjects=unit',
    '--selectProjects=temporal',
    '--coverage',
    '--coverageReporters=json-summary',
    '--coverageReporters=lcovonly',
    '--json',
    `--outputFile=${join(folder, 'jest-results.json')}`,
    ...process.argv.slice(2),
  ];
  const env = { ...process.env, WORKFLOW_COVERAGE: '1' };
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  return code ?? 1;
}

function readSummary(): ReadonlyMap<string, FileCounts> {
  const summary = JSON.parse(readFileSync(join(folder, 'coverage-summary.json'), 'utf8')) as Record<string, FileCounts>;
  const files = Object.entries(summary).filter(([name]) => name !== 'total');
  return new Map(files.map(([name, counts]) => [relative(root, name), counts]));
}

/** Prints one threshold's figure, and where it is missed the files that pull it down most. */
function check(files: ReadonlyMap<string, FileCounts>, { kind, least, counts }: (typeof THRESHOLDS)[number]): boolean {
  const rows = [...files].filter(([name]) => counts(name)).map(([name, file]) => ({ name, ...file[kind] }));
  const sum = (pick: (row: Count) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  const [covered, total] = [sum((row) => row.covered), sum((row) => row.total)];
  const percent = total === 0 ? 0 : (100 * covered) / total;
  const met = percent >= least;
  print(`${kind}: ${percent.toFixed(2)} % (${covered} of ${total}), at least ${least} % ${met ? 'ok' : 'MISSED'}`);
  if (met) return true;
  const worst = rows.filter((row) => row.covered < row.total).toSorted((a, b) => missing(b) - missing(a));
  for (const row of worst.slice(0, SHOWN)) print(`  ${row.name}: ${missing(row)} of ${row.total} not covered`);
  return false;
}

function missing(count: Count): number {
  return count.total - count.covered;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const testsCode = await runTests();
const files = readSummary();
const met = THRESHOLDS.map((threshold) => check(files, threshold));
if (testsCode !== 0 || met.includes(false)) process.exitCode = 1;
