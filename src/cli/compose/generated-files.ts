import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PlaybookError } from '../../contracts/errors.ts';
import { loadRolloutPlan, parseConfig } from '../../definition/index.ts';
import type { Integration } from '../../definition/index.ts';
import { outdated } from '../../gen/index.ts';
import type { Generator, GeneratorInput, Outdated } from '../../gen/index.ts';

/** An integration's example configuration and rollout plan, which generators read beside its definition. */
async function generatorInput(root: string, integration: Integration): Promise<GeneratorInput> {
  const { service } = integration;
  const folder = join(root, 'integrations', service);
  const source = join(folder, 'config.example.yaml');
  const text = await readOrNothing(source);
  if (text === undefined) {
    throw new PlaybookError('CONFIG_INVALID', `${source} is missing: documents of ${service} are generated from it.`);
  }
  return {
    integration,
    config: parseConfig(text, { service, source }),
    plan: await loadRolloutPlan(join(folder, 'rollout.yaml')),
  };
}

/**
 * What is not as the generators would have it.
 * @param root the package's folder
 * @throws PlaybookError CONFIG_INVALID where the example configuration or the plan cannot be read
 */
export async function findOutdated(
  root: string,
  integration: Integration,
  generators: readonly Generator[],
): Promise<readonly Outdated[]> {
  return outdated(generators, await generatorInput(root, integration), {
    read: (path) => readOrNothing(join(root, path)),
    list: (folder) => readdir(join(root, folder)).catch(() => []),
  });
}

/** Puts each file as it should be; what somebody has to write first is left alone. */
export async function bringUpToDate(root: string, found: readonly Outdated[]): Promise<void> {
  for (const { path, text } of found) {
    const target = join(root, path);
    if (text === null) await rm(target);
    else if (text !== undefined) await replaceFile(target, text);
  }
}

/** In one step: nobody reads half of it. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  try {
    await writeFile(draft, text);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
