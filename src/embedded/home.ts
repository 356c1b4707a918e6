import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PlaybookError } from '../contracts/errors.ts';
import { identify, isAlive } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** The folder all embedded parts keep their state in, held by this process alone until it is closed or the process ends. */
export interface Home {
  readonly path: string;
  /** Lets others open it. Stop what works in it first. */
  readonly close: () => Promise<void>;
}

/** `PLAYBOOK_HOME`, else `.playbook` in the current folder. */
export function homePath(env: NodeJS.ProcessEnv, cwd: string): string {
  return resolve(cwd, env['PLAYBOOK_HOME'] || '.playbook');
}

/**
 * Opens the home folder for this process alone, creating it if need be. What a killed process left behind does not matter: a
 * lock counts only while the very process that took it lives.
 *
 * @throws PlaybookError HOME_IN_USE, naming the process that has it
 */
export async function openHome(path: string): Promise<Home> {
  await mkdir(path, { recursive: true });
  const lock = await takeLock(path);
  return { path, close: async () => releaseLock(lock) };
}

/*
 * The lock is the file lock.<n> with the highest n; it holds its owner's identity. Whoever finds it free or its owner dead
 * creates lock.<n+1>, which only one can. The highest is never removed, only marked free, so the number never falls back and
 * no two can believe they have it, whatever their timing. (Removing a dead owner's file and creating it anew could
 * remove the file a faster third process has just created.)
 */
const LOCK = /^lock\.(\d+)$/;

async function takeLock(home: string): Promise<string> {
  const me = identify(process.pid);
  if (me === null) throw new PlaybookError('INTERNAL', `The start time of process ${process.pid} cannot be read.`);
  const draft = join(home, `.lock-of-${process.pid}-${performance.now()}`);
  await writeFile(draft, JSON.stringify(me));
  try {
    for (;;) {
      const highest = Math.max(0, ...(await lockNumbers(home)));
      const owner = await readOwner(join(home, `lock.${highest}`));
      if (owner !== null && isAlive(owner)) throw inUse(home, owner);
      const mine = join(home, `lock.${highest + 1}`);
      if (!(await createLink(draft, mine))) continue; // another process was faster
      const numbers = await lockNumbers(home);
      if (Math.max(...numbers) === highest + 1) {
        await Promise.all(
          numbers.filter((n) => n <= highest).map(async (n) => rm(join(home, `lock.${n}`), { force: true })),
        );
        return mine;
      }
      await rm(mine, { force: true }); // the list read at first was out of date
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function releaseLock(lock: string): Promise<void> {
  await writeFile(`${lock}.free`, '');
  await rename(`${lock}.free`, lock);
}

async function lockNumbers(home: string): Promise<readonly number[]> {
  return (await readdir(home)).flatMap((name) => LOCK.exec(name)?.[1] ?? []).map(Number);
}

/** The owner a lock file names, if any. */
async function readOwner(lock: string): Promise<ProcessIdentity | null> {
  const text = await readFile(lock, 'utf8').catch(() => '');
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    return null; // free, gone, or not ours
  }
}

async function createLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function inUse(home: string, owner: ProcessIdentity): PlaybookError {
  return new PlaybookError(
    'HOME_IN_USE',
    `${home} is in use by process ${owner.pid}. Stop that process (Ctrl-C in its terminal, or kill ${owner.pid}), or set PLAYBOOK_HOME to another folder.`,
  );
}
