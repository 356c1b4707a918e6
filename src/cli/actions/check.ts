import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check } from '../../authoring/check/check.ts';
import type { CheckResult, Goal } from '../../authoring/check/check.ts';
import { readFacts } from '../../authoring/check/read-facts.ts';
import { setDone } from '../../authoring/timeline.ts';
import { writeWhole } from '../../authoring/write-whole.ts';
import { commandProblem } from '../args/known-command.ts';
import type { CommandGroup } from '../args/command.ts';
import { definitionIn, projectAt, serviceFolder, servicesIn } from '../compose/project.ts';
import type { Project } from '../compose/project.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { count } from '../output/format.ts';
import { columns } from '../output/job-text.ts';

export interface CheckOptions {
  /** Every integration if not given. */
  readonly service: string | undefined;
  readonly goal: Goal;
  /** Write the day down on which it first was done. */
  readonly record: boolean;
  readonly project: string | undefined;
  readonly json: boolean;
  /** What a document may name. */
  readonly commands: CommandGroup;
}

/** Looks at each line of the guide's lists and says what is missing. */
export async function runCheck(
  io: CliIo,
  { service, goal, record, project: path, json, commands }: CheckOptions,
): Promise<ExitCode> {
  const project = projectAt(io, path);
  if (service !== undefined) await serviceFolder(project, service);
  const services = service === undefined ? await servicesIn(project) : [service];
  const results: CheckResult[] = [];
  for (const name of services) {
    let result = await checkOne(project, name, goal, commands);
    if (record && goal === 'done' && result.passed && result.doneOn === undefined) {
      await recordDone(project, name);
      result = await checkOne(project, name, goal, commands);
    }
    results.push(result);
    io.stdout.write(json ? `${JSON.stringify(result)}\n` : describe(result));
  }
  return results.every(({ passed }) => passed) ? EXIT.ok : EXIT.failed;
}

async function checkOne(project: Project, service: string, goal: Goal, commands: CommandGroup): Promise<CheckResult> {
  const facts = await readFacts({
    service,
    project: project.folder,
    definition: () => definitionIn(project, service),
    commandProblem: (words) => commandProblem(commands, words),
  });
  return check(facts, goal, Date.now());
}

async function recordDone(project: Project, service: string): Promise<void> {
  const path = join(project.integrations, service, '00-scope.md');
  await writeWhole(path, setDone(await readFile(path, 'utf8'), new Date().toISOString().slice(0, 10)));
}

function describe(result: CheckResult): string {
  const rows = result.lines.flatMap(({ list, what, passed, problems }) => {
    const [first = '', ...more] = problems;
    return [[list, passed ? 'pass' : 'FAIL', what, first], ...more.map((problem) => ['', '', '', problem])];
  });
  const failed = result.lines.filter(({ passed }) => !passed).length;
  const verdict =
    failed === 0 ? `${result.goal}: every line holds` : `not ${result.goal}: ${count(failed, 'line')} missing`;
  return `${columns([['LIST', '', 'WHAT', 'TO DO'], ...rows])}${result.service} is ${verdict}. ${time(result)} ${count(result.openGaps, 'gap')} open.\n`;
}

function time({ startedOn, doneOn, days }: CheckResult): string {
  if (startedOn === undefined || days === undefined) return 'Its scope does not say when it was started.';
  const done = doneOn === undefined ? 'so far' : `until it was done on ${doneOn}`;
  return `Started on ${startedOn}, ${count(days, 'day')} ${done}.`;
}
