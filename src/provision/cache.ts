import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BinarySpec } from './binaries.ts';

/** `PLAYBOOK_CACHE`, else `playbook` in the XDG cache folder. */
function cacheFolder(env: NodeJS.ProcessEnv): string {
  return env['PLAYBOOK_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'playbook');
}

/** Where the cache keeps this very version. */
export function cachedPath(spec: BinarySpec, env: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), `${spec.name}-${spec.version}`, spec.name);
}

export async function isExecutableFile(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

const PREFIX = '.installing-';
/** Older than any installation under way. */
const ABANDONED_MS = 3_600_000;

/**
 * Lets `fill` produce an executable in a fresh folder and moves it to its place by one rename, so that no other process ever
 * sees half a file, and of two that install at once both succeed. The folder is removed in any case.
 *
 * @returns the path in the cache, or null if `fill` produced nothing
 */
export async function installInto(
  target: string,
  fill: (folder: string) => Promise<string | null>,
): Promise<string | null> {
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const folder = await mkdtemp(join(parent, PREFIX));
  try {
    const produced = await fill(folder);
    if (produced === null) return null;
    await chmod(produced, 0o755);
    await rename(produced, target);
    return target;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A process killed while it installed leaves its folder behind. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (
      !name.startsWith(PREFIX) ||
      Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0) < ABANDONED_MS
    )
      continue;
    await rm(path, { recursive: true, force: true });
  }
}

/** Bytes of all files in a folder and below; a file that vanishes meanwhile counts nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(async (entry) => (await stat(join(folder, entry)).catch(() => undefined))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
