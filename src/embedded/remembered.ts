import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from './process-identity.ts';

/** What a home remembers of its server, so that links stay valid and a server left behind is found. */
export interface Remembered {
  readonly port?: number;
  readonly uiPort?: number;
  /** The server, while it runs. */
  readonly process?: ProcessIdentity;
}

const FILE = 'temporal.json';

/** What is remembered; nothing in a new home or if the file was damaged. */
export async function recall(home: string): Promise<Remembered> {
  try {
    return JSON.parse(await readFile(join(home, FILE), 'utf8')) as Remembered;
  } catch {
    return {};
  }
}

export async function remember(home: string, facts: Remembered): Promise<void> {
  const draft = join(home, `.${FILE}`);
  await writeFile(draft, JSON.stringify(facts));
  await rename(draft, join(home, FILE));
}
