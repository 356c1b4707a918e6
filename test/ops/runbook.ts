import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { playbook, type TestIoOptions } from '../cli/helpers/test-io.ts';
import { ROOT } from '../docs/markdown.ts';

/** An entry of docproc's RUNBOOK as it stands there. */
async function textOf(entry: string): Promise<string> {
  const runbook = await readFile(join(ROOT, 'integrations/docproc/RUNBOOK.md'), 'utf8');
  const section = runbook.split(/^#{2,3} /m).find((text) => text.startsWith(`${entry}\n`));
  if (section === undefined) throw new Error(`The RUNBOOK has no entry ${entry}`);
  return section;
}

/** Fails unless an entry says this: what a rehearsal does by hand has to stand there, too. */
export async function expectStep(entry: string, step: string): Promise<void> {
  expect(await textOf(entry)).toContain(step);
}

/** Runs the command of an entry that begins so, with its placeholders filled in. */
export async function apply(
  entry: string,
  beginning: string,
  options: TestIoOptions,
  filled: Readonly<Record<string, string>> = {},
): Promise<string> {
  const commands = [...(await textOf(entry)).matchAll(/`npx playbook ([^`]+)`/g)].map(([, command = '']) => command);
  const command = commands.find((text) => text.startsWith(beginning));
  if (command === undefined) throw new Error(`${entry} does not say \`npx playbook ${beginning}…\``);
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const done = await playbook(
    words.map((word) => Object.entries(filled).reduce((text, [name, value]) => text.replace(`<${name}>`, value), word)),
    options,
  );
  expect([command, done.code, done.err]).toEqual([command, 0, '']);
  return done.out;
}
