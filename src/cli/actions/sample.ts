import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { INTEGRATIONS_FOLDER } from '../package-folders.ts';

/** A file to show what an integration does. */
export interface Sample {
  readonly service: string;
  readonly path: string;
}

/** The first integration's `demos/sample.*`. */
export async function findSample(services: readonly string[]): Promise<Sample | undefined> {
  for (const service of services) {
    const folder = join(INTEGRATIONS_FOLDER, service, 'demos');
    const name = existsSync(folder) ? (await readdir(folder)).find((file) => file.startsWith('sample.')) : undefined;
    if (name !== undefined) return { service, path: join(folder, name) };
  }
  return undefined;
}

/** A key of its own for each start, so that each shows a job being done. */
export function sampleKey(now: Date): string {
  return `sample-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}`;
}
