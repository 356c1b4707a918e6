import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadIntegration, loadSamples } from '../definition/index.ts';
import type { Integration, IntegrationSamples } from '../definition/index.ts';
import type { SandboxOptions } from '../sandbox/index.ts';

/** What the conformance kit tries. */
export interface Subject {
  readonly integration: Integration;
  readonly samples: IntegrationSamples;
  /** The text of `config.example.yaml`. */
  readonly exampleConfig: string;
  /** What its sandbox is like: `sandbox.yaml`. */
  readonly sandbox: SandboxOptions;
  /** Its folder of JSON Schemas. */
  readonly schemasFolder: string;
}

/**
 * Loads an integration as its folder has it.
 * @param folders the `integrations` folder with the documents, and the one with the code: the same in a checkout
 * @throws PlaybookError UNKNOWN_SERVICE or CONFIG_INVALID
 */
export async function loadSubject(
  service: string,
  folders: { readonly documents: string; readonly code: string },
): Promise<Subject> {
  const integration = await loadIntegration(folders.code, service);
  const folder = join(folders.documents, service);
  const sandboxFile = join(folder, 'sandbox.yaml');
  return {
    integration,
    samples: await loadSamples(folders.code, service),
    exampleConfig: await readFile(join(folder, 'config.example.yaml'), 'utf8'),
    sandbox: existsSync(sandboxFile) ? (parse(await readFile(sandboxFile, 'utf8')) as SandboxOptions) : {},
    schemasFolder: join(folder, 'schemas'),
  };
}
