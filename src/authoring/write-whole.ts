import { rename, rm, writeFile } from 'node:fs/promises';

/** Writes a file whole or not at all: whoever reads it meanwhile sees the old text or the new one. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(aside, text);
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}
