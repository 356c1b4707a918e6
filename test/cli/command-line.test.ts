import { describe, expect, it } from '@jest/globals';
import { isGroup } from '../../src/cli/args/command.ts';
import type { AnyCommand, CommandNode } from '../../src/cli/args/command.ts';
import { parseCommandLine } from '../../src/cli/args/parse.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { playbook } from './helpers/test-io.ts';

/** Every command and group there is, with the words that lead to it. */
function nodes(node: CommandNode = COMMANDS, path: readonly string[] = []): { node: CommandNode; path: string[] }[] {
  const below = isGroup(node) ? node.commands.flatMap((child) => nodes(child, [...path, child.name])) : [];
  return [{ node, path: [...path] }, ...below];
}

/** Splits an example as a shell would, without the variables before it. */
function words(example: string): string[] {
  const found = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  return found.slice(found.indexOf('playbook') + 1);
}

describe('the table of commands', () => {
  it.each(nodes().map(({ node, path }) => [['playbook', ...path].join(' '), node, path] as const))(
    '%s --help names its usage and its flags, and exits 0',
    async (call, node, path) => {
      const { code, out, err } = await playbook([...path, '--help']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain(`Usage: ${call}`);
      expect(out).toContain('--help');
      expect(out).toMatch(/\nExamples:\n {2}.*playbook /);
      const command = isGroup(node) ? node.itself : node;
      for (const flag of Object.keys(command?.options ?? {})) expect(out).toContain(`--${flag}`);
      for (const child of isGroup(node) ? node.commands : []) expect(out).toContain(`  ${child.name}`);
    },
  );

  const commands = nodes().flatMap(({ node }): AnyCommand[] => {
    const command = isGroup(node) ? node.itself : node;
    return command === undefined ? [] : [command];
  });

  it('has an example for each command, and each example is a correct call of it', () => {
    expect(commands.length).toBeGreaterThan(15);
    for (const command of commands) {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        const parsed = parseCommandLine(COMMANDS, words(example));
        expect(parsed).toMatchObject({ kind: 'call', command: { summary: command.summary } });
      }
    }
  });
});

describe('a command line that is wrong', () => {
  it.each([
    ['strat', 'There is no command `playbook strat`. Did you mean `playbook start`? See `playbook --help`.'],
    ['zzz', 'There is no command `playbook zzz`. See `playbook --help`.'],
    [
      'jobs retri x',
      'There is no command `playbook jobs retri`. Did you mean `playbook jobs retry`? See `playbook jobs --help`.',
    ],
    ['toString', 'There is no command `playbook toString`. See `playbook --help`.'],
    ['jobs', 'Say which command: start, status, wait, list, cancel, retry. See `playbook jobs --help`.'],
    ['--versoin', 'There is no flag --versoin here. Did you mean --version? See `playbook --help`.'],
    ['jobs --jsn', 'There is no flag --jsn here. See `playbook jobs --help`.'],
    ['run docproc a.pdf --kee k', 'There is no flag --kee. Did you mean --key? See `playbook run --help`.'],
    ['run docproc a.pdf --toString', 'There is no flag --toString. See `playbook run --help`.'],
    ['run docproc a.pdf -k', 'There is no flag -k. See `playbook run --help`.'],
    ['run docproc a.pdf --key', '--key needs a value: --key KEY. See `playbook run --help`.'],
    ['run docproc a.pdf --key --json', '--key needs a value: --key KEY. See `playbook run --help`.'],
    ['run docproc a.pdf --json=yes', '--json takes no value. See `playbook run --help`.'],
    ['run docproc', '<file> is missing; or say with --from where many jobs are. See `playbook run --help`.'],
    ['run', '<service> is missing. See `playbook run --help`.'],
    ['start now', '"now" is one argument too many. See `playbook start --help`.'],
    [
      'run docproc a b --key k',
      '--key names one job, and 2 files are given: leave it out, or give one file. See `playbook run --help`.',
    ],
    [
      'run docproc a --max-wait soon',
      '--max-wait must be a duration such as 30s, 5m or 500ms, at most 24d (got "soon"). See `playbook run --help`.',
    ],
    [
      'run docproc a --max-wait 60d',
      '--max-wait must be a duration such as 30s, 5m or 500ms, at most 24d (got "60d"). See `playbook run --help`.',
    ],
    [
      'sandbox --port 99999',
      '--port must be a whole number from 0 to 65535 (got "99999"). See `playbook sandbox --help`.',
    ],
    ['jobs list --limit -1', '--limit needs a value: --limit N. See `playbook jobs list --help`.'],
    [
      'jobs list --limit 0',
      '--limit must be a whole number from 1 to 1000000 (got "0"). See `playbook jobs list --help`.',
    ],
    [
      'jobs list --state FAILDE',
      '--state must be one of CREATED, PROCESSING, COMPLETED, FAILED, CANCELED. Did you mean FAILED? See `playbook jobs list --help`.',
    ],
    [
      'jobs status nonsense',
      '"nonsense" names no job: give <service>/<key>, or service and key; batch/<service>/<name> for a batch. See `playbook jobs status --help`.',
    ],
    ['capacity --peak 4', 'Say how many jobs with --jobs-per-day. See `playbook capacity --help`.'],
    ['jobs start docproc', 'Give either a file or --input. See `playbook jobs start --help`.'],
    ['jobs start docproc a.pdf --input b', 'Give either a file or --input. See `playbook jobs start --help`.'],
    [
      'webhooks dead-letters discard docproc evt_1',
      'Say why with --reason: it is kept with the event. See `playbook webhooks dead-letters discard --help`.',
    ],
    [
      'webhooks ded-letters',
      'There is no command `playbook webhooks ded-letters`. Did you mean `playbook webhooks dead-letters`? See `playbook webhooks --help`.',
    ],
    ['up --config docproc=x --config docproc=y', '--config is given twice for docproc. See `playbook up --help`.'],
  ])('%s: exit 2 and one message', async (line, message) => {
    const { code, out, err } = await playbook(line.split(' '));
    expect({ code, out, err }).toEqual({ code: 2, out: '', err: `BAD_USAGE: ${message}\n` });
  });

  it('without any word shows the help on stderr and exits 2', async () => {
    const { code, out, err } = await playbook([]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Commands:');
    expect(err).toContain('BAD_USAGE: Say which command. See `playbook --help`.');
  });

  it('is answered in JSON as well where the answer is JSON', async () => {
    const { code, out } = await playbook(['jobs', 'status', 'nonsense', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual({ error: { code: 'BAD_USAGE', message: expect.stringContaining('names no job') } });
  });

  it('names the nearest service', async () => {
    const { code, err } = await playbook(['run', 'docprok', 'a.pdf']);
    expect(code).toBe(2);
    expect(err).toContain('UNKNOWN_SERVICE: There is no integration named "docprok". Did you mean docproc?');
  });
});

describe('a command line that is right', () => {
  it('gives flags by their specs', () => {
    const parsed = parseCommandLine(COMMANDS, ['run', 'docproc', 'a.pdf', '--json', '--key=-k', '--', '--b.pdf']);
    expect(parsed).toMatchObject({
      kind: 'call',
      path: ['run'],
      arguments: ['docproc', 'a.pdf', '--b.pdf'],
      options: { json: true, keep: false, key: '-k', unit: undefined },
    });
  });

  it('collects repeated flags, and a group does something itself where that is declared', () => {
    const parsed = parseCommandLine(COMMANDS, ['webhooks', '--config', 'a=b', '--config', 'c']);
    expect(parsed).toMatchObject({ kind: 'call', options: { config: ['a=b', 'c'], port: undefined } });
  });

  it('prints the version', async () => {
    const { code, out } = await playbook(['--version']);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('asks for help wherever --help stands, but not behind --', () => {
    expect(parseCommandLine(COMMANDS, ['run', '--kee', '--help'])).toMatchObject({ kind: 'help', path: ['run'] });
    expect(parseCommandLine(COMMANDS, ['run', 'a', '--', '--help'])).toMatchObject({ kind: 'call' });
  });
});
