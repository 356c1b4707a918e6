import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadRolloutPlan, parseConfig } from '../../definition/index.ts';
import type { Integration, ServiceConfig } from '../../definition/index.ts';
import { GENERATORS, outdated } from '../../gen/index.ts';
import type { RolloutPlan } from '../../rules/rollout/plan.ts';
import { readGaps } from '../gaps.ts';
import { readMarkdown } from '../markdown.ts';
import type { Facts, Read } from './facts.ts';
import { readTestRuns } from './test-runs.ts';
import { messageOf } from '../../rules/message-of.ts';

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
  const config = await attempt('config.example.yaml', async () => {
    const text = files.get('config.example.yaml');
    if (text === undefined) throw new Error('it is missing: write one environment with every key it needs');
    return parseConfig(text, { service, source: 'config.example.yaml' });
  });
  const plan = await attempt('rollout.yaml', () => loadRolloutPlan(join(folder, 'rollout.yaml')));
  return {
    service,
    files,
    documents: new Map(
      [...files].filter(([path]) => path.endsWith('.md')).map(([path, text]) => [path, readMarkdown(text)]),
    ),
    gaps: await attempt('context-gaps.md', async () => {
      const text = files.get('context-gaps.md');
      if (text === undefined) throw new Error('it is missing: write down what is not known');
      return readGaps(text);
    }),
    definition: loaded,
    config,
    plan,
    testRun: await readTestRuns(project, service),
    outdated: await outdatedProblems(project, loaded, config, plan),
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
    return { problem: `${what}: ${messageOf(error)}` };
  }
}

async function outdatedProblems(
  project: string,
  definition: Read<Integration>,
  config: Read<ServiceConfig>,
  plan: Read<RolloutPlan>,
): Promise<string[]> {
  if ('problem' in definition) return [definition.problem];
  if ('problem' in config) return [config.problem];
  if ('problem' in plan) return [plan.problem];
  const { service } = definition.value;
  const input = { integration: definition.value, config: config.value, plan: plan.value };
  const found = await outdated(GENERATORS, input, {
    read: (path) => readFile(join(project, path), 'utf8').catch(() => undefined),
    list: (path) => readdir(join(project, path)).catch(() => []),
  });
  return found.map(({ path, problem, text }) => {
    const file = path.replace(`integrations/${service}/`, '');
    return text === undefined ? `${file} ${problem}` : `${file} ${problem}: \`playbook gen ${service}\``;
  });
}

async function scriptsOf(project: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(project, 'package.json'), 'utf8').catch(() => '{}');
  return new Set(Object.keys((JSON.parse(text) as { readonly scripts?: object }).scripts ?? {}));
}

function textAt(path: string): string | null | undefined {
  if (!existsSync(path)) return undefined;
  return statSync(path).isFile() && TEXT.test(path) ? readFileSync(path, 'utf8') : null;
}
