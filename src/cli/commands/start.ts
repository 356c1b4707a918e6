import { defineCommand } from '../args/command.ts';
import { METRICS_OPTION } from './shared-options.ts';

export const start = defineCommand({
  name: 'start',
  summary: 'everything embedded; runs the sample job; stays up (what `npm start` does)',
  details:
    'Starts Temporal with its Web UI, the sandbox service, the webhook receiver and a worker in this one process, runs the sample\n' +
    'job and stays up until Ctrl-C. State is kept in .playbook (PLAYBOOK_HOME names another folder): jobs that are under way when\n' +
    'it ends, in whatever way, go on at the next start.',
  arguments: [],
  options: {},
  examples: ['playbook start'],
  run: async ({ io, path }) =>
    (await import('../actions/start.ts')).startAll(io, { path, configs: [], metrics: undefined, sample: true }),
});

export const up = defineCommand({
  name: 'up',
  summary: 'all embedded parts, no job',
  details: 'Like `playbook start` without the sample job. Other commands in the same folder use what runs here.',
  arguments: [],
  options: {
    config: { value: '[service=]path', multiple: true, summary: 'configuration file' },
    metrics: METRICS_OPTION,
  },
  examples: ['playbook up', 'playbook up --config docproc=./docproc.yaml'],
  run: async ({ io, path, options }) =>
    (await import('../actions/start.ts')).startAll(io, {
      path,
      configs: options.config,
      metrics: options.metrics,
      sample: false,
    }),
});
