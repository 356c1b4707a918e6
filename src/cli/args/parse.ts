import { parseArgs } from 'node:util';
import { badUsage, didYouMean } from './bad-usage.ts';
import { isGroup } from './command.ts';
import type { AnyCommand, ArgumentSpec, CommandGroup, CommandNode, OptionSpecs, OptionValues } from './command.ts';

/** What a command line asks for. */
export type Parsed =
  | { readonly kind: 'help'; readonly node: CommandNode; readonly path: readonly string[] }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'call';
      readonly command: AnyCommand;
      readonly path: readonly string[];
      readonly options: OptionValues<OptionSpecs>;
      readonly arguments: readonly string[];
    };

/**
 * Reads a command line by the table of commands.
 * @throws PlaybookError BAD_USAGE, naming the nearest command or flag
 */
export function parseCommandLine(root: CommandGroup, argv: readonly string[]): Parsed {
  const { node, path, rest } = findCommand(root, argv);
  const flags = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : rest.length);
  if (flags.includes('--help') || flags.includes('-h')) return { kind: 'help', node, path };
  if (path.length === 0 && flags.some((flag) => flag === '--version' || flag === '-V')) return { kind: 'version' };
  const command = isGroup(node) ? node.itself : node;
  if (command === undefined) throw incomplete(node as CommandGroup, path, rest[0]);
  return { kind: 'call', command, path, ...parseFlags(command, path, rest) };
}

function findCommand(
  root: CommandGroup,
  argv: readonly string[],
): { readonly node: CommandNode; readonly path: readonly string[]; readonly rest: readonly string[] } {
  let node: CommandNode = root;
  const path: string[] = [];
  for (const [index, word] of argv.entries()) {
    if (!isGroup(node)) return { node, path, rest: argv.slice(index) };
    if (word.startsWith('-')) return { node, path, rest: argv.slice(index) };
    const found: CommandNode | undefined = node.commands.find(({ name }) => name === word);
    if (found === undefined) throw unknownCommand(node, path, word);
    node = found;
    path.push(word);
  }
  return { node, path, rest: [] };
}

function unknownCommand(group: CommandGroup, path: readonly string[], word: string): Error {
  const names = group.commands.map(({ name }) => name);
  const shown = (name: string): string => `\`${['playbook', ...path, name].join(' ')}\``;
  return badUsage(`There is no command ${shown(word)}.${didYouMean(word, names, shown)}`, path);
}

function incomplete(group: CommandGroup, path: readonly string[], flag: string | undefined): Error {
  const names = group.commands.map(({ name }) => name).join(', ');
  if (flag === undefined) return badUsage(`Say which command: ${names}.`, path);
  const known = path.length === 0 ? ['--help', '--version'] : ['--help'];
  return badUsage(`There is no flag ${flag} here.${didYouMean(flag, known, (name) => name)}`, path);
}

function parseFlags(
  command: AnyCommand,
  path: readonly string[],
  args: readonly string[],
): { readonly options: OptionValues<OptionSpecs>; readonly arguments: readonly string[] } {
  const specs = command.options;
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { value, multiple = false }]) => [
        name,
        { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple },
      ]),
    ),
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined;
    if (spec === undefined) {
      const known = [...Object.keys(specs), 'help'];
      const near = didYouMean(token.name, known, (name) => `--${name}`);
      throw badUsage(`There is no flag ${token.rawName}.${near}`, path);
    }
    if (spec.value === undefined && token.value !== undefined) throw badUsage(`--${token.name} takes no value.`, path);
    if (spec.value !== undefined && (token.value === undefined || (!token.inlineValue && /^-./.test(token.value)))) {
      throw badUsage(`--${token.name} needs a value: --${token.name} ${spec.value}.`, path);
    }
  }
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { value, multiple }]) => [
      name,
      values[name] ?? (value === undefined ? false : multiple === true ? [] : undefined),
    ]),
  ) as OptionValues<OptionSpecs>;
  checkArguments(command.arguments, positionals, path);
  return { options, arguments: positionals };
}

function checkArguments(specs: readonly ArgumentSpec[], given: readonly string[], path: readonly string[]): void {
  const missing = specs.slice(given.length).find(({ optional }) => optional !== true);
  if (missing !== undefined) throw badUsage(`<${missing.name}> is missing.`, path);
  const extra = specs.at(-1)?.many === true ? undefined : given[specs.length];
  if (extra !== undefined) throw badUsage(`${JSON.stringify(extra)} is one argument too many.`, path);
}
