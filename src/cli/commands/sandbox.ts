import { defineCommand } from '../args/command.ts';
import { parseWhole } from '../args/duration.ts';
import { HOST_OPTION, PORTS } from './shared-options.ts';

export const sandbox = defineCommand({
  name: 'sandbox',
  summary: 'the sandbox service on its own',
  details:
    'A stand-in for an external service that does the real work: of docproc, or of the service named, as its sandbox.yaml describes\n' +
    'its API. Its faults are switched with POST /_sandbox/faults; what it received is at GET /_sandbox/requests.',
  arguments: [{ name: 'service', optional: true }],
  options: {
    port: { value: 'PORT', summary: 'where to listen; 8300 if not given' },
    host: HOST_OPTION,
    state: { value: 'FILE', summary: 'keep its state there; in memory if not given' },
    rate: { value: 'N', summary: 'requests it takes per second; 10 if not given' },
    seed: { value: 'N', summary: 'of everything random in it' },
    config: { value: 'FILE', summary: 'any of its options, as YAML; its `shape` is the API of any service' },
  },
  examples: ['playbook sandbox --port 8300 --state ./sandbox.state --rate 50', 'playbook sandbox wavescan --port 8310'],
  run: async ({ io, path, arguments: [service], options: { config, host, port, state, rate, seed } }) => {
    const whole = (text: string | undefined, flag: string, bounds: { min: number; max: number }): number | undefined =>
      text === undefined ? undefined : parseWhole(text, flag, bounds, path);
    return (await import('../actions/sandbox.ts')).runSandbox(io, {
      path,
      service,
      config,
      host,
      port: whole(port, 'port', PORTS),
      state,
      rate: whole(rate, 'rate', { min: 1, max: 1_000_000 }),
      seed: whole(seed, 'seed', { min: 0, max: 2 ** 31 }),
    });
  },
});
