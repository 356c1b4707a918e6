import { statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PlaybookError } from '../../contracts/errors.ts';
import { SERVICE_PATTERN } from '../../contracts/ids.ts';
import { listIntegrations, loadIntegration } from '../../definition/index.ts';
import type { Integration } from '../../definition/index.ts';
import { nearestName } from '../../rules/nearest-name.ts';
import type { CliIo } from '../io.ts';
import { INTEGRATIONS_CODE, PACKAGE_FOLDER } from '../package-folders.ts';

/** The project whose integrations a command works on: its documents, and its code as this command can run it. */
export interface Project {
  readonly folder: string;
  readonly integrations: string;
  readonly code: string;
}

/** True where this command runs the sources themselves, as tests do; else it runs the build. */
export const RUNS_SOURCES = import.meta.url.endsWith('.ts');

/** @param path of `--project`; this package where it is not given */
export function projectAt(io: CliIo, path: string | undefined): Project {
  if (path === undefined) {
    return { folder: PACKAGE_FOLDER, integrations: join(PACKAGE_FOLDER, 'integrations'), code: INTEGRATIONS_CODE };
  }
  const folder = resolve(io.cwd, path);
  const integrations = join(folder, 'integrations');
  return { folder, integrations, code: RUNS_SOURCES ? integrations : join(folder, 'dist', 'integrations') };
}

/** The services that have a folder, with or without code that runs. */
export async function servicesIn(project: Project): Promise<readonly string[]> {
  const entries = await readdir(project.integrations, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && SERVICE_PATTERN.test(entry.name));
  return names.map(({ name }) => name).toSorted();
}

/**
 * The folder of a service.
 * @throws PlaybookError UNKNOWN_SERVICE naming the nearest
 */
export async function serviceFolder(project: Project, service: string): Promise<string> {
  const known = await servicesIn(project);
  if (known.includes(service)) return join(project.integrations, service);
  const near = nearestName(service, known);
  throw new PlaybookError(
    'UNKNOWN_SERVICE',
    `There is no folder integrations/${service.slice(0, 64)}.${near === undefined ? '' : ` Did you mean ${near}?`} Known: ${known.join(', ') || 'none'}. \`playbook new\` makes one.`,
  );
}

/** The text of a service's `context-gaps.md`. @throws PlaybookError FILE_NOT_FOUND */
export async function readGapFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const name = `integrations/${basename(dirname(path))}/context-gaps.md`;
    throw new PlaybookError('FILE_NOT_FOUND', `${name} cannot be read.`, { cause });
  }
}

/**
 * The definition of a service, as its sources say now.
 * @throws PlaybookError CONFIG_INVALID, also where the build is older than the sources; UNKNOWN_SERVICE
 */
export async function definitionIn(project: Project, service: string): Promise<Integration> {
  if (!RUNS_SOURCES) await checkBuilt(project, service);
  return loadIntegration(project.code, service);
}

async function checkBuilt(project: Project, service: string): Promise<void> {
  const sources = join(project.integrations, service, 'src');
  const changedMs = Math.max(0, ...(await modified(sources)));
  const built = await listIntegrations(project.code);
  const builtMs = statSync(join(project.code, '..', '.inputs'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built.includes(service) && builtMs >= changedMs) return;
  throw new PlaybookError(
    'CONFIG_INVALID',
    `integrations/${service}/src was changed after the last build. Run \`npm run build\`, then this again.`,
  );
}

async function modified(folder: string): Promise<number[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names.map((name) => statSync(join(folder, name)).mtimeMs);
}
