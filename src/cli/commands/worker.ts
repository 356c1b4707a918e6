import { defineCommand } from '../args/command.ts';
import { parseWhole } from '../args/duration.ts';
import { CONFIG_OPTION, HOST_OPTION, METRICS_OPTION, PORTS } from './shared-options.ts';

export const worker = defineCommand({
  name: 'worker',
  summary: 'a worker on its own, as in production',
  details:
    'Works for the Temporal at TEMPORAL_ADDRESS (or of Temporal’s environment configuration; localhost:7233 if nothing is set), and\n' +
    'waits for it while it is away. Works for the services that have a configuration. SIGTERM lets what is under way finish.',
  arguments: [],
  options: {
    config: CONFIG_OPTION,
    port: { value: 'PORT', summary: 'serve /healthz and /readyz there' },
    host: HOST_OPTION,
    metrics: METRICS_OPTION,
  },
  examples: ['TEMPORAL_ADDRESS=temporal:7233 playbook worker --config docproc=/etc/playbook/docproc.yaml'],
  run: async ({ io, path, options }) =>
    (await import('../actions/worker.ts')).runWorker(io, {
      path,
      configs: options.config,
      host: options.host ?? '127.0.0.1',
      port: options.port === undefined ? undefined : parseWhole(options.port, 'port', PORTS, path),
      metrics: options.metrics,
    }),
});
