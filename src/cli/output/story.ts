import type { JobAnswer } from '../../client/index.ts';
import { count, dollars, firstLines, printable } from './format.ts';

const TEXT_LINES = 6;

/** How the sample job ended, where to look at it, and what to try next. */
export function storyText(answer: JobAnswer<unknown>, link: string): string {
  if (answer.state !== 'COMPLETED') {
    const error = answer.state === 'PENDING' ? null : answer.error;
    const said = error === null ? answer.state : `${error.code}: ${printable(error.message)}`;
    return ['', said, '', 'What happened, in the Web UI:', `  ${link}`, ''].join('\n');
  }
  const text = firstLines(answer.result, TEXT_LINES);
  const told = [count(answer.webhooks, 'webhook'), count(answer.polls, 'status request'), dollars(answer.costMicros)];
  return [
    `  (${told.join(', ')})`,
    ...(text.length === 0 ? [] : ['', 'Its text begins:', ...text.map((line) => `  │ ${line}`)]),
    '',
    'This very job in the Web UI:',
    `  ${link}`,
    '',
    'Try next, in another terminal:',
    `  npx playbook run ${answer.service} <file>    a job of your own; --json for scripts`,
    '  npx playbook jobs list                what there is',
    '  npx playbook --help                   everything else',
    '',
  ].join('\n');
}
