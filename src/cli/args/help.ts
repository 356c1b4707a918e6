import { isGroup } from './command.ts';
import type { AnyCommand, ArgumentSpec, CommandNode } from './command.ts';

/** The help of a command or a group, from the very table that parses it. */
export function helpText(node: CommandNode, path: readonly string[]): string {
  const call = ['playbook', ...path].join(' ');
  const command = isGroup(node) ? node.itself : node;
  const usage = [
    ...(command === undefined ? [] : [usageOf(call, command)]),
    ...(isGroup(node) ? [`${call} <command> …`] : []),
  ];
  return sections([
    `${call}: ${node.summary}`,
    `Usage: ${usage.join('\n       ')}`,
    ...(command?.details === undefined ? [] : [command.details]),
    ...(isGroup(node) ? [`Commands:\n${columns(node.commands.map(({ name, summary }) => [name, summary]))}`] : []),
    `Flags:\n${columns([...flags(command), ...(path.length === 0 ? [VERSION_FLAG] : []), HELP_FLAG])}`,
    `Examples:\n${examplesOf(node)
      .map((line) => `  ${line}`)
      .join('\n')}`,
  ]);
}

const HELP_FLAG = ['--help', 'help, at every level'] as const;
const VERSION_FLAG = ['--version', 'the version'] as const;

/** A command's own examples; of a group that does nothing itself, one of each of its first commands. */
function examplesOf(node: CommandNode): readonly string[] {
  if (!isGroup(node)) return node.examples;
  return node.itself?.examples ?? node.commands.slice(0, 3).flatMap((child) => examplesOf(child).slice(0, 1));
}

function usageOf(call: string, command: AnyCommand): string {
  const hasFlags = Object.keys(command.options).length > 0;
  return [call, ...command.arguments.map(shown), ...(hasFlags ? ['[flags]'] : [])].join(' ');
}

function flags(command: AnyCommand | undefined): readonly (readonly [string, string])[] {
  return Object.entries(command?.options ?? {}).map(([name, { value, summary, multiple }]) => [
    `--${name}${value === undefined ? '' : ` ${value}`}`,
    multiple === true ? `${summary} (repeatable)` : summary,
  ]);
}

function shown({ name, optional, many }: ArgumentSpec): string {
  const text = many === true ? `<${name}…>` : `<${name}>`;
  return optional === true ? `[${text}]` : text;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`).join('\n');
}

function sections(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`;
}
