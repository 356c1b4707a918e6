import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { parseDollars } from '../args/amounts.ts';

export const test = defineCommand({
  name: 'test',
  summary: 'run an integration’s conformance matrix',
  details:
    'Derives the matrix from the definition and runs it against the service’s sandbox, on a Temporal server, worker and webhook receiver of its\n' +
    'own; then says which part of the definition no row has exercised. With --live it runs the rows that do only what any caller does against\n' +
    'the environment that is configured, through the worker and gate that keep to its cap and budget. It asks first and names the price.',
  arguments: [{ name: 'service' }],
  options: {
    layer: { value: 'NAME', multiple: true, summary: 'rows of this layer only, such as contract (repeatable)' },
    row: { value: 'ID', multiple: true, summary: 'this row only, such as H1 (repeatable)' },
    live: { summary: 'against the configured environment, at its price' },
    config: {
      value: 'FILE',
      summary: 'with --live: its configuration; integrations/<service>/config.yaml if not given',
    },
    'max-cost': { value: 'USD', summary: 'with --live: the most it may cost; 1.00 if not given' },
    yes: { summary: 'with --live: do not ask' },
    json: JSON_OPTION,
  },
  examples: [
    'playbook test docproc',
    'playbook test wavescan --layer contract --row H1',
    'playbook test docproc --live --max-cost 0.10',
  ],
  run: async ({ io, path, arguments: [service = ''], options }) =>
    (await import('../actions/test.ts')).testIntegration(io, {
      path,
      service,
      layers: options.layer,
      rows: options.row,
      live: options.live,
      config: options.config,
      yes: options.yes,
      maxCostMicros: parseDollars(options['max-cost'] ?? '1', 'max-cost', path),
      json: options.json,
    }),
});
