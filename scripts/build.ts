/**
 * Builds `dist/`: the compiled sources and the prebuilt workflow bundles, the usual one, and one for encrypted histories. Does nothing if no input
 * has changed since the last build; `--force` builds anyway. A build is made aside and moved into place whole.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUNDLES, bundleName, bundleOptions } from '../src/workers/bundles.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
/** Written last: where it is missing, the build was not finished. */
const STAMP = '.inputs';

/** A hash over name, size and time of everything a build depends on. */
function inputs(): string {
  const sources = ['src', 'integrations'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.ts'))
          .map((name) => join(folder, name))
      : [],
  );
  const others = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.ts'];
  const hash = createHash('sha256').update(process.version);
  for (const name of [...sources, ...others].toSorted()) {
    const { size, mtimeMs } = statSync(join(root, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

async function compile(outDir: string): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', outDir];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new Error(`tsc found errors (exit code ${code})`);
}

async function bundleWorkflows(outDir: string): Promise<void> {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  await mkdir(outDir, { recursive: true });
  for (const kind of BUNDLES) {
    const logger = new DefaultLogger('WARN');
    const { code } = await bundleWorkflowCode({ logger, ...bundleOptions(kind) });
    await writeFile(join(outDir, bundleName(kind)), code);
  }
}

async function build(): Promise<void> {
  const stamp = inputs();
  if (!process.argv.includes('--force') && existsSync(join(dist, STAMP))) {
    if (readFileSync(join(dist, STAMP), 'utf8') === stamp) return;
  }
  const startedMs = performance.now();
  const aside = join(root, 'node_modules/.cache', `playbook-build-${process.pid}`);
  try {
    await Promise.all([compile(aside), bundleWorkflows(aside)]);
    await writeFile(join(aside, STAMP), stamp);
    await rm(dist, { recursive: true, force: true });
    await rename(aside, dist);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  process.stderr.write(`Built dist/ in ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`);
}

try {
  await build();
} catch (error) {
  process.stderr.write(`Build failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
