import { didYouMean } from './bad-usage.ts';
import { isGroup } from './command.ts';
import type { CommandGroup, CommandNode } from './command.ts';

/**
 * What is wrong with a command line that a document names; its arguments may be placeholders. `undefined`: command and flags exist.
 * @param words what follows `playbook`
 */
export function commandProblem(root: CommandGroup, words: readonly string[]): string | undefined {
  let node: CommandNode = root;
  for (const word of words) {
    if (!isGroup(node) || word.startsWith('-')) break;
    const next: CommandNode | undefined = node.commands.find(({ name }) => name === word);
    if (next === undefined) {
      if (node.itself !== undefined) break;
      const near = didYouMean(
        word,
        node.commands.map(({ name }) => name),
        (name) => name,
      );
      return `there is no command ${JSON.stringify(word)}.${near}`;
    }
    node = next;
  }
  const options = Object.keys((isGroup(node) ? node.itself : node)?.options ?? {});
  const flags = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('=')[0] ?? '');
  const unknown = flags.find((flag) => flag !== '' && flag !== 'help' && flag !== 'version' && !options.includes(flag));
  if (unknown === undefined) return undefined;
  return `there is no flag --${unknown}.${didYouMean(unknown, options, (name) => `--${name}`)}`;
}
