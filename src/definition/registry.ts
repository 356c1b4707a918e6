import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlaybookError } from '../contracts/errors.ts';
import { SERVICE_PATTERN } from '../contracts/ids.ts';
import { nearestName } from '../rules/nearest-name.ts';
import type { Integration } from './integration.ts';
import type { IntegrationSamples } from './samples.ts';

/** Built code stands beside the sources under the same folders; `.ts` is what runs from a checkout. */
const ENTRIES = ['index.ts', 'index.js'];

/** The entry of one integration's folder; `undefined` when it has none. */
async function entryOf(root: string, service: string): Promise<string | undefined> {
  const source = join(root, service, 'src');
  const names: readonly string[] = await readdir(source).catch(() => []);
  const entry = ENTRIES.find((name) => names.includes(name));
  return entry === undefined ? undefined : join(source, entry);
}

/**
 * The services that have an integration: the folders of `root` with an `src/index.ts` (or `.js` once built), sorted by name.
 * @param root the `integrations` folder
 */
export async function listIntegrations(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && SERVICE_PATTERN.test(entry.name));
  const found = await Promise.all(
    folders.map(async ({ name }) => ((await entryOf(root, name)) === undefined ? [] : [name])),
  );
  return found.flat().toSorted();
}

/**
 * Loads the integration of a service from `<root>/<service>/src/index`, which exports it as `integration`.
 * @throws PlaybookError UNKNOWN_SERVICE naming the nearest one, or CONFIG_INVALID when the folder does not export its integration.
 */
export async function loadIntegration(root: string, service: string): Promise<Integration> {
  const entry = SERVICE_PATTERN.test(service) ? await entryOf(root, service) : undefined;
  if (entry === undefined) {
    const known = await listIntegrations(root);
    const near = nearestName(service, known);
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    throw new PlaybookError(
      'UNKNOWN_SERVICE',
      `There is no integration named ${JSON.stringify(service.slice(0, 64))}.${hint} Known: ${known.join(', ') || 'none'}.`,
    );
  }
  const module = (await import(pathToFileURL(entry).href)) as { readonly integration?: Integration };
  if (module.integration?.service !== service) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `${entry} must export its definition as \`integration\`, with service ${JSON.stringify(service)}.`,
    );
  }
  return module.integration;
}

/**
 * Loads an integration's samples from `<root>/<service>/src/samples`, which exports them as `samples`.
 * @throws PlaybookError CONFIG_INVALID when there are none
 */
export async function loadSamples(root: string, service: string): Promise<IntegrationSamples> {
  const folder = join(root, service, 'src');
  const names: readonly string[] = await readdir(folder).catch(() => []);
  const file = ['samples.ts', 'samples.js'].find((name) => names.includes(name));
  const module = (file === undefined ? {} : await import(pathToFileURL(join(folder, file)).href)) as {
    readonly samples?: IntegrationSamples;
  };
  if (module.samples !== undefined) return module.samples;
  throw new PlaybookError(
    'CONFIG_INVALID',
    `${service} has no samples to be tried with: export them as \`samples\` from integrations/${service}/src/samples.ts.`,
  );
}
