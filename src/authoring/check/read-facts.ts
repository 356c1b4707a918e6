import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadRolloutPlan, parseConfig, schemaFiles } from '../../definition/index.ts';
import type { Integration } from '../../definition/index.ts';
import type { Facts, Read } from './facts.ts';
import { readTestRuns } from './test-runs.ts';

/** Kinds of files that are read as text. */
const TEXT = /\.(?:md|ya?ml|ts|json)$/;

export interface FactsSource {
  readonly service: string;
  /** The project's folder; the integration is in `integrations/<service>` of it. */
  readonly project: string;
  /** Loads the definition. @throws why it cannot be loaded */
  readonly definition: () => Promise<Integration>;
  readonly commandProblem: Facts['commandProblem'];
}

/** Gathers what the checks look at. Never rejects for what an integration lacks: that is a fact as well. */
export async function readFacts({ service, project, definition, commandProblem }: FactsSource): Promise<Facts> {
  const folder = join(project, 'integrations', service);
  const files = await readTexts(folder);
  const loaded = await attempt('src/index.ts', definition);
  return {
    service,
    files,
    definition: loaded,
    config: await attempt('config.example.yaml', async () => {
      const text = files.get('config.example.yaml');
      if (text === undefined) throw new Error('it is missing: write one environment with every key it needs');
      return parseConfig(text, { service, source: 'config.example.yaml' });
    }),
    plan: await attempt('rollout.yaml', () => loadRolloutPlan(join(folder, 'rollout.yaml'))),
    testRun: await readTestRuns(project, service),
    outdated: 'value' in loaded ? schemaProblems(files, loaded.value) : [loaded.problem],
    commandProblem,
    scripts: await scriptsOf(project),
    linked: (path) => textAt(join(folder, path)),
  };
}

async function readTexts(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder, { recursive: true });
  const texts = names
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => TEXT.test(name))
    .toSorted()
    .map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const);
  return new Map(await Promise.all(texts));
}

async function attempt<T>(what: string, read: () => Promise<T>): Promise<Read<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { problem: `${what}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function schemaProblems(files: ReadonlyMap<string, string>, integration: Integration): string[] {
  const wanted = schemaFiles(integration);
  const pinned = [...files.keys()].filter((path) => /^schemas\/.*-v[^/]*\.json$/.test(path));
  return [
    ...Object.entries(wanted)
      .filter(([name, schema]) => files.get(`schemas/${name}`) !== `${JSON.stringify(schema, undefined, 2)}\n`)
      .map(([name]) => `schemas/${name} is not what the definition says: \`npm run schemas\``),
    ...pinned
      .filter((path) => !Object.hasOwn(wanted, path.slice('schemas/'.length)))
      .map((path) => `${path} follows from nothing in the definition: remove it`),
  ];
}

async function scriptsOf(project: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(project, 'package.json'), 'utf8').catch(() => '{}');
  return new Set(Object.keys((JSON.parse(text) as { readonly scripts?: object }).scripts ?? {}));
}

function textAt(path: string): string | null | undefined {
  if (!existsSync(path)) return undefined;
  return statSync(path).isFile() && TEXT.test(path) ? readFileSync(path, 'utf8') : null;
}
