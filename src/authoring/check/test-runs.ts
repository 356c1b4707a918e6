import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Facts } from './facts.ts';

/** What the tests' reporter (`test/setup/record-runs.mjs`) keeps of each test file of an integration, by path from the project. */
interface RecordedRun {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** SHA-256 of the test file and of every source of its integration, as they were then. */
  readonly files: Readonly<Record<string, string>>;
}

/** Where the reporter writes, from the project's folder. */
const TEST_RUNS = 'node_modules/.cache/playbook/test-runs.json';

/** Looks up what the latest run of a service's test files showed. */
export async function readTestRuns(project: string, service: string): Promise<Facts['testRun']> {
  const text = await readFile(join(project, TEST_RUNS), 'utf8').catch(() => '{}');
  const runs = JSON.parse(text) as Readonly<Record<string, RecordedRun>>;
  const folder = `integrations/${service}`;
  const hashes = new Map<string, string>();
  const sources = (await readdir(join(project, folder, 'src'), { recursive: true }).catch(() => []))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/src/${name.replaceAll('\\', '/')}`);
  const tests = Object.keys(runs).filter((path) => path.startsWith(`${folder}/`));
  for (const path of [...sources, ...tests]) {
    const bytes = await readFile(join(project, path)).catch(() => undefined);
    if (bytes !== undefined) hashes.set(path, createHash('sha256').update(bytes).digest('hex'));
  }
  return (path) => {
    const run = runs[`${folder}/${path}`];
    if (run === undefined) return undefined;
    const isOfToday = [`${folder}/${path}`, ...sources].every((file) => run.files[file] === hashes.get(file));
    return { passed: run.passed, failed: run.failed, skipped: run.skipped, isOfToday };
  };
}
