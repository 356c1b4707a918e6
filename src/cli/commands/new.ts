import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { PROJECT_OPTION } from './shared-options.ts';

export const create = defineCommand({
  name: 'new',
  summary: 'write a new integration: a folder that compiles, with tests that pass against its own sandbox',
  details:
    'On a terminal it asks for whatever is not given, unless --yes says to take what is usual. With --from, submit, status, list, cancel, words,\n' +
    'webhooks and schemas are proposed from a service’s OpenAPI 3 document; each guess is told, and becomes a gap. Nothing is ever overwritten.',
  arguments: [{ name: 'service', optional: true }],
  options: {
    from: { value: 'FILE', summary: 'an OpenAPI 3 document, YAML or JSON' },
    objective: { value: 'TEXT', summary: 'Using …, … must … so that …; left to be written if not given' },
    owner: { value: 'NAME', summary: 'who closes its gaps; you if not given' },
    qps: { value: 'N', summary: 'requests a second it may be sent; 5 if not given' },
    cost: { value: 'USD', summary: 'price of a job; 0.01 if not given' },
    yes: { summary: 'do not ask: take what is usual for whatever is not given' },
    project: PROJECT_OPTION,
    json: JSON_OPTION,
  },
  examples: [
    'playbook new acme',
    'playbook new acme --from acme.openapi.yaml --objective "Using acme, billing must read invoices so that 99 % are booked within a day"',
  ],
  run: async ({ io, path, options: { yes, project, json, ...given }, arguments: [service] }) =>
    (await import('../actions/new.ts')).newIntegration(io, { path, given: { service, ...given }, yes, project, json }),
});
