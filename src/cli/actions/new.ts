import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatFiles } from '../../authoring/new/format.ts';
import { proposalFromOpenApi } from '../../authoring/new/openapi.ts';
import { usualProposal } from '../../authoring/new/proposal.ts';
import { renderIntegration } from '../../authoring/new/render.ts';
import { readTemplates, writeFolder } from '../../authoring/new/write.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { loadIntegration } from '../../definition/index.ts';
import { GENERATORS } from '../../gen/index.ts';
import { badUsage } from '../args/bad-usage.ts';
import { bringUpToDate, findOutdated } from '../compose/generated-files.ts';
import { InterruptedError } from '../compose/interrupted-error.ts';
import { documentText, newAnswers } from '../compose/new-answers.ts';
import type { GivenAnswers } from '../compose/new-answers.ts';
import { projectAt, RUNS_SOURCES } from '../compose/project.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { PACKAGE_FOLDER } from '../package-folders.ts';

export interface NewOptions {
  readonly path: readonly string[];
  readonly given: GivenAnswers;
  /** Nobody is asked. */
  readonly yes: boolean;
  readonly project: string | undefined;
  readonly json: boolean;
}

/** Writes the folder of a new integration, and what follows from its definition. */
export async function newIntegration(io: CliIo, { given, ...options }: NewOptions): Promise<ExitCode> {
  const project = projectAt(io, options.project);
  const { path, json } = options;
  if (!existsSync(join(project.folder, 'package.json'))) {
    throw badUsage(`--project must be the folder of a project, with its package.json (got ${options.project}).`, path);
  }
  const context = { path, integrations: project.integrations, asks: !options.yes && !json };
  const answers = await newAnswers(io, given, context).catch((error: unknown) => {
    if (!(error instanceof InterruptedError)) throw error;
    io.stderr.write(`${error.message}\n`);
  });
  if (answers === undefined) return EXIT.failed;
  const { service, from } = answers;
  const proposal =
    from === undefined ? usualProposal(service) : proposalFromOpenApi(service, await documentText(io, from), from);
  const startedOn = new Date().toISOString().slice(0, 10);
  const templates = await readTemplates(join(PACKAGE_FOLDER, 'templates', 'integration'));
  const rendered = renderIntegration(templates, { ...answers, startedOn }, proposal);
  const folder = join(project.integrations, service);
  const files = await formatFiles(project.folder, folder, rendered);
  await writeFolder(folder, files);
  if (!RUNS_SOURCES) await build(project.folder);
  const integration = await loadIntegration(project.code, service);
  await bringUpToDate(project.folder, await findOutdated(project.folder, integration, GENERATORS));
  const written = [...files.keys()].toSorted();
  if (json) io.stdout.write(`${JSON.stringify({ service, files: written, guesses: proposal.guesses })}\n`);
  else io.stdout.write(report(service, written.length, proposal.guesses));
  return EXIT.ok;
}

function report(service: string, count: number, guesses: readonly string[]): string {
  return [
    `integrations/${service} is written: ${count} files, and what follows from its definition.`,
    'Guessed, each a gap to close:',
    ...guesses.map((guess) => `  ${guess}`),
    `Next: playbook check ${service} --ready, then playbook gaps ${service} next.`,
    '',
  ].join('\n');
}

async function build(folder: string): Promise<void> {
  const child = spawn('npm', ['run', '--silent', 'build'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  if (code !== 0) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `What was written does not build (\`npm run build\` ended with ${code}). Correct it, then \`playbook gen\`.`,
    );
  }
}
