import { badUsage, didYouMean } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { PROJECT_OPTION } from './shared-options.ts';

const ACTIONS = ['list', 'next', 'close'] as const;

export const gaps = defineCommand({
  name: 'gaps',
  summary: 'what is not known of a service yet: its context-gaps.md',
  details:
    '`list` (if nothing is said) shows all, `next` the open one to look into now, `close N` writes down what was found out. The Markdown\n' +
    'table itself is read and written; whatever else stands in the file stays as it is.',
  arguments: [{ name: 'service' }, { name: 'list|next|close', optional: true }, { name: 'number', optional: true }],
  options: {
    finding: { value: 'TEXT', summary: 'with close: what came out' },
    documented: { summary: 'with close: it cannot be found out here; the text says what is done about that' },
    project: PROJECT_OPTION,
    json: JSON_OPTION,
  },
  examples: [
    'playbook gaps docproc',
    'playbook gaps docproc next --json',
    'playbook gaps docproc close 13 --finding "A changelog in the portal; subscribed."',
  ],
  run: async ({
    io,
    path,
    options: { finding, documented, ...more },
    arguments: [service = '', action = 'list', n],
  }) => {
    const actions = await import('../actions/gaps.ts');
    const which = ACTIONS.find((name) => name === action);
    if (which === undefined) {
      throw badUsage(
        `There is nothing to do named ${JSON.stringify(action)}: list, next or close.${didYouMean(action, ACTIONS, (name) => name)}`,
        path,
      );
    }
    if (which !== 'close') {
      if (n !== undefined) throw badUsage(`${JSON.stringify(n)} is one argument too many.`, path);
      return actions.showGaps(io, { service, which, ...more });
    }
    if (n === undefined) throw badUsage('Say which gap: close N.', path);
    if (!/^[1-9]\d{0,5}$/.test(n)) throw badUsage(`A gap is named by its number (got ${JSON.stringify(n)}).`, path);
    if (finding === undefined || finding.trim() === '') throw badUsage('Say what came out: --finding TEXT.', path);
    return actions.closeOne(io, { service, number: Number(n), finding, documented, ...more });
  },
});
