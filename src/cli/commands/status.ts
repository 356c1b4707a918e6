import { badUsage, didYouMean } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { parseDuration } from '../args/duration.ts';

const DAY_MS = 86_400_000;
const BY = ['unit', 'day', 'tag'] as const;

export const status = defineCommand({
  name: 'status',
  summary: 'how services stand: flags, gate, rate, breaker, budget, backlog; needs no worker',
  details: 'A table of all services, or one service in full; below it what needs attention and what to do.',
  arguments: [{ name: 'service', optional: true }],
  options: { watch: { summary: 'again every second, until Ctrl-C' }, json: JSON_OPTION },
  examples: ['playbook status', 'playbook status docproc --watch', 'playbook status --json'],
  run: async ({ io, options: { watch, json }, arguments: [service] }) =>
    (await import('../actions/status.ts')).showStatus(io, { service, watch, json }),
});

export const history = defineCommand({
  name: 'history',
  summary: 'who changed a service’s flags, weight, budget, lists and gate, when and why',
  details: 'The latest first, as far back as the namespace keeps closed workflows. Needs no worker.',
  arguments: [{ name: 'service' }],
  options: { json: JSON_OPTION },
  examples: ['playbook history docproc'],
  run: async ({ io, options: { json }, arguments: [service = ''] }) =>
    (await import('../actions/control-history.ts')).showHistory(io, { service, json }),
});

export const cost = defineCommand({
  name: 'cost',
  summary: 'what a service’s jobs have cost',
  details:
    'Jobs that have ended, at what they cost in the end; and, apart from that, what the gate has counted today. As far back as the\n' +
    'namespace keeps closed workflows. Needs no worker.',
  arguments: [{ name: 'service' }],
  options: {
    by: { value: 'WHAT', summary: `${BY.join(', ')}; unit if not given` },
    since: { value: 'TIME', summary: 'of so long ago (12h, 7d); 7d if not given' },
    json: JSON_OPTION,
  },
  examples: [
    'playbook cost docproc',
    'playbook cost docproc --by day --since 14d',
    'playbook cost docproc --by tag --json',
  ],
  run: async ({ io, path, options: { by = 'unit', since, json }, arguments: [service = ''] }) => {
    const what = BY.find((name) => name === by);
    if (what === undefined) {
      throw badUsage(`--by must be one of ${BY.join(', ')}.${didYouMean(by, BY, (name) => name)}`, path);
    }
    const agoMs = since === undefined ? 7 * DAY_MS : parseDuration(since, 'since', path);
    return (await import('../actions/cost.ts')).showCost(io, { service, by: what, sinceMs: Date.now() - agoMs, json });
  },
});
