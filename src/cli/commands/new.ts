import { badUsage } from '../args/bad-usage.ts';
import { parseWhole } from '../args/duration.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { PROJECT_OPTION } from './shared-options.ts';

export const create = defineCommand({
  name: 'new',
  summary: 'write a new integration: a folder that compiles, with tests that pass against its own sandbox',
  details:
    'With --from, submit, status, list, cancel, words and schemas are proposed from a service’s OpenAPI 3 document; each guess is told, and\n' +
    'becomes a gap. Nothing is ever overwritten.',
  arguments: [{ name: 'service' }],
  options: {
    from: { value: 'FILE', summary: 'an OpenAPI 3 document, YAML or JSON' },
    objective: { value: 'TEXT', summary: 'Using …, … must … so that …; left to be written if not given' },
    owner: { value: 'NAME', summary: 'who closes its gaps; you if not given' },
    qps: { value: 'N', summary: 'requests a second it may be sent; 5 if not given' },
    cost: { value: 'USD', summary: 'price of a job; 0.01 if not given' },
    project: PROJECT_OPTION,
    json: JSON_OPTION,
  },
  examples: [
    'playbook new acme',
    'playbook new acme --from acme.openapi.yaml --objective "Using acme, billing must read invoices so that 99 % are booked within a day"',
  ],
  run: async ({ io, path, options: { qps, cost, ...options }, arguments: [service = ''] }) => {
    const costUsd = Number(cost ?? '0.01');
    if (!/^\d+(\.\d{1,6})?$/.test(cost ?? '0.01')) {
      throw badUsage(`--cost must be dollars such as 0.01 (got ${JSON.stringify(cost)}).`, path);
    }
    const rate = parseWhole(qps ?? '5', 'qps', { min: 1, max: 250 }, path);
    return (await import('../actions/new.ts')).newIntegration(io, { service, qps: rate, costUsd, ...options });
  },
});
