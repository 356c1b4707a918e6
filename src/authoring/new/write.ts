import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PlaybookError } from '../../contracts/errors.ts';
import { SERVICE_PATTERN } from '../../contracts/ids.ts';

/** The templates below a folder, by path. */
export async function readTemplates(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.tmpl')).toSorted();
  const texts = names.map(
    async (name) => [name.replaceAll('\\', '/'), await readFile(join(folder, name), 'utf8')] as const,
  );
  return new Map(await Promise.all(texts));
}

/**
 * Checks a new service's name and that nothing is in its way.
 * @throws PlaybookError INVALID_INPUT with the rule, or naming what is there
 */
export function checkNewService(integrations: string, service: string): void {
  if (!SERVICE_PATTERN.test(service)) {
    throw new PlaybookError(
      'INVALID_INPUT',
      `A service is named with 3 to 40 of a-z, 0-9 and -, beginning with a letter and ending with a letter or digit (got ${JSON.stringify(service.slice(0, 64))}).`,
    );
  }
  if (existsSync(join(integrations, service))) {
    throw new PlaybookError(
      'INVALID_INPUT',
      `integrations/${service} is there already, and nothing is overwritten. Choose another name.`,
    );
  }
}

/** Writes a whole folder or nothing. @throws PlaybookError INVALID_INPUT when it has come into being meanwhile */
export async function writeFolder(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const aside = join(dirname(folder), `.new-${process.pid}`);
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(join(aside, path)), { recursive: true });
      await writeFile(join(aside, path), text);
    }
    await rename(aside, folder).catch((cause: unknown) => {
      throw new PlaybookError('INVALID_INPUT', `${folder} is there already, and nothing is overwritten.`, { cause });
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
