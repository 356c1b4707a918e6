import { badUsage, didYouMean } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { parseDuration, parseWhole } from '../args/duration.ts';
import type { ProbeChoice } from '../actions/probe.ts';
import { PROJECT_OPTION } from './shared-options.ts';

const PROBES = ['burst', 'states', 'idempotency'] as const;
/** Flags that one probe alone understands. */
const FLAGS = { rate: 'burst', count: 'burst', 'max-wait': 'states' } as const;

export const probe = defineCommand({
  name: 'probe',
  summary: 'ask a service one of the usual questions, and write what came out into its context-gaps.md',
  details:
    '`burst` reads at rising rates until the service asks to slow down; `states` follows sample jobs and writes down each status word;\n' +
    '`idempotency` submits one key twice, twice at once, and with another body: five submits. Without a configuration the integration’s sandbox\n' +
    'is asked. Anything else is asked only with --yes, or when somebody on a terminal agrees; what it costs is said first.',
  arguments: [{ name: 'service' }, { name: PROBES.join('|') }],
  options: {
    rate: {
      value: 'N',
      summary: 'burst: the highest rate, in requests a second; twice the configured cap, at most 50, if not given',
    },
    count: { value: 'N', summary: 'burst: the most requests in all; 100 if not given' },
    'max-wait': { value: 'DURATION', summary: 'states: how long a job is followed; 2m if not given' },
    gap: { value: 'N', summary: 'write it into this row; that of the same question, else a new one, if not given' },
    config: { value: 'FILE', summary: 'which environment; integrations/<service>/config.yaml if not given' },
    yes: { summary: 'do not ask before a real service is asked' },
    'dry-run': { summary: 'say it and write nothing down' },
    project: PROJECT_OPTION,
    json: JSON_OPTION,
  },
  examples: [
    'playbook probe docproc burst',
    'playbook probe wavescan states --gap 1 --json',
    'playbook probe docproc idempotency --config production.yaml --yes',
  ],
  run: async ({ io, path, options, arguments: [service = '', name = ''] }) => {
    const which = PROBES.find((one) => one === name);
    if (which === undefined) {
      throw badUsage(
        `There is no probe ${JSON.stringify(name)}: ${PROBES.join(', ')}.${didYouMean(name, PROBES, (one) => one)}`,
        path,
      );
    }
    for (const [flag, owner] of Object.entries(FLAGS) as [keyof typeof FLAGS, string][]) {
      if (options[flag] !== undefined && owner !== which)
        throw badUsage(`--${flag} is for ${owner}, not ${which}.`, path);
    }
    const whole = (flag: 'rate' | 'count' | 'gap', max: number): number | undefined =>
      options[flag] === undefined ? undefined : parseWhole(options[flag], flag, { min: 1, max }, path);
    const choices: Readonly<Record<(typeof PROBES)[number], ProbeChoice>> = {
      burst: { probe: 'burst', topRate: whole('rate', 500), most: whole('count', 2_000) ?? 100 },
      states: { probe: 'states', maxWaitMs: parseDuration(options['max-wait'] ?? '2m', 'max-wait', path) },
      idempotency: { probe: 'idempotency' },
    };
    const { config, yes, project, json } = options;
    const gap = whole('gap', 999_999);
    const more = { config, yes, project, json, gap, dryRun: options['dry-run'] };
    return (await import('../actions/probe.ts')).runProbe(io, { path, service, choice: choices[which], ...more });
  },
});
