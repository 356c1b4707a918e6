import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { runCli } from '../../src/cli/run-cli.ts';
import { playbookAtTerminal } from '../cli/helpers/terminal.ts';
import { playbook, testIo } from '../cli/helpers/test-io.ts';
import { copyProject } from './project-copy.ts';

const project = copyProject('docproc');
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});
afterAll(() => project.close());

const written = (service: string, path: string): string =>
  readFileSync(join(project.folder, 'integrations', service, path), 'utf8');
const services = (): string[] => readdirSync(join(project.folder, 'integrations')).toSorted();

/** `playbook new` in this process, with somebody at a terminal who types. */
function newAtTerminal(...argv: string[]) {
  const io = testIo({ columns: 200 });
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  closing.push(() => stdin.destroy());
  const ended = runCli(['new', ...argv, '--project', project.folder], { ...io, stdin });
  return {
    ended,
    shown: () => stripVTControlCharacters(io.err()),
    out: io.out,
    /** Types once a question is there. */
    answers: async (question: string, keys: string) => {
      await io.sees(question);
      stdin.write(keys);
    },
    sees: io.sees,
    hangUp: () => stdin.end(),
  };
}

const CLEAR_LINE = '\u0015';
const CTRL_C = '\u0003';

describe('playbook new, where nothing is given', () => {
  it('asks at a real terminal, repeats what will not do with the rule, and writes what was answered', async () => {
    const terminal = playbookAtTerminal(['new', '--project', project.folder], project.folder);
    closing.push(terminal.kill);
    await terminal.sees('Short name of the service:');
    terminal.types('Parcels\r');
    await terminal.sees('beginning with a letter and');
    terminal.types(`${CLEAR_LINE}parcels\r`);
    await terminal.sees('Path of its OpenAPI 3 document');
    terminal.types('\r');
    await terminal.sees('Objective:');
    terminal.types('Using parcels, shipping must print labels so that 99 % print within 5 s\r');
    await terminal.sees('Who closes its gaps:');
    terminal.types('Lea\r');
    await terminal.sees('Requests a second it may be sent:');
    terminal.types('7\r');
    await terminal.sees('Price of a job in dollars:');
    terminal.types('0.25\r');
    expect({ code: await terminal.ended, shown: terminal.shown() }).toMatchObject({
      code: 0,
      shown: expect.stringContaining('integrations/parcels is written'),
    });
    expect(written('parcels', '00-scope.md')).toContain('Using parcels, shipping must print labels');
    expect(written('parcels', 'context-gaps.md')).toContain('| Lea ');
    expect(parse(written('parcels', 'config.example.yaml'))).toMatchObject({
      service: { rate_limit: { qps_cap: 7 } },
      cost: { per_job_usd: 0.25 },
    });
  });

  it('writes nothing after Ctrl-C at a real terminal', async () => {
    const before = services();
    const terminal = playbookAtTerminal(['new', '--project', project.folder], project.folder);
    closing.push(terminal.kill);
    await terminal.sees('Short name of the service:');
    terminal.types('gone-again\r');
    await terminal.sees('Path of its OpenAPI 3 document');
    terminal.types(CTRL_C);
    expect(await terminal.ended).toBe(1);
    expect(terminal.shown()).toContain('Interrupted before all was answered: nothing is written.');
    expect(services()).toEqual(before);
  });

  it('without a terminal names what is missing', async () => {
    expect(await playbook(['new', '--project', project.folder])).toEqual({
      code: 2,
      out: '',
      err: 'BAD_USAGE: <service> is missing. See `playbook new --help`.\n',
    });
  });
});

describe('playbook new, at a terminal', () => {
  it('holds each answer to the rule of its flag, in the same words', async () => {
    const wrong = { from: '/gone.yaml', qps: 'many', cost: 'a lot' };
    const refused: Record<string, string> = {};
    for (const [flag, value] of Object.entries(wrong)) {
      const { err } = await playbook(['new', 'acme', `--${flag}`, value, '--project', project.folder]);
      refused[flag] = err.trim().replace(/^[A-Z_]+: /, '');
    }
    const person = newAtTerminal('strict', '--objective', 'Using strict …', '--owner', 'Lea');
    await person.answers('OpenAPI 3 document', `${wrong.from}\r`);
    await person.sees(refused['from'] ?? '-');
    await person.answers('OpenAPI 3 document', `${CLEAR_LINE}\r`);
    await person.answers('Requests a second', `${wrong.qps}\r`);
    await person.sees(refused['qps'] ?? '-');
    await person.answers('Requests a second', `${CLEAR_LINE}\r`);
    await person.answers('Price of a job', `${wrong.cost}\r`);
    await person.sees(refused['cost'] ?? '-');
    await person.answers('Price of a job', `${CLEAR_LINE}\r`);
    expect(await person.ended).toBe(0);
    expect(person.out()).toContain('integrations/strict is written');
    expect(person.shown()).not.toMatch(/Short name|Objective:|Who closes/); // they were given
    expect(parse(written('strict', 'config.example.yaml'))).toMatchObject({
      service: { rate_limit: { qps_cap: 5 } },
      cost: { per_job_usd: 0.01 },
    });
  });

  it('asks nothing before the flags that were given are found to be right', async () => {
    const person = newAtTerminal('--qps', '0');
    expect(await person.ended).toBe(2);
    expect(person.shown()).toMatch(/^BAD_USAGE: --qps must be a whole number from 1 to 250 \(got "0"\)\./);
  });

  it.each([['--yes'], ['--json']])('asks nothing with %s', async (flag) => {
    const person = newAtTerminal(`quiet${flag}`, flag);
    expect({ code: await person.ended, shown: person.shown() }).toEqual({ code: 0, shown: '' });
    expect(existsSync(join(project.folder, 'integrations', `quiet${flag}`))).toBe(true);
  });

  it('writes nothing when the terminal goes away', async () => {
    const before = services();
    const person = newAtTerminal();
    await person.sees('Short name of the service:');
    person.hangUp();
    expect(await person.ended).toBe(1);
    expect(person.shown()).toContain('Interrupted before all was answered: nothing is written.');
    expect(services()).toEqual(before);
  });
});
