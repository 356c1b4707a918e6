import { defineCommand, JSON_OPTION } from '../args/command.ts';

export const gen = defineCommand({
  name: 'gen',
  summary: 'write what follows from an integration’s definition: schemas, diagrams, tables, alerts, dashboards',
  details:
    'From the definition, config.example.yaml and rollout.yaml: whole files, and in Markdown what stands between `<!-- gen:… -->` and\n' +
    '`<!-- /gen:… -->`; the rest of a document is never touched. All integrations if none is named. With --check nothing is written,\n' +
    'and the exit code is 1 where something differs.',
  arguments: [{ name: 'service', optional: true }],
  options: {
    check: { summary: 'write nothing, say what differs' },
    only: {
      value: 'NAME',
      multiple: true,
      summary: 'this generator only: schemas, diagram, readme, runbook, alerts, dashboard',
    },
    json: JSON_OPTION,
  },
  examples: ['playbook gen docproc', 'playbook gen --check', 'playbook gen docproc --only schemas'],
  run: async ({ io, path, options, arguments: [service] }) =>
    (await import('../actions/gen.ts')).generate(io, { path, service, ...options }),
});
