import { defineCommand } from '../args/command.ts';
import { parseWhole } from '../args/duration.ts';
import { HOST_OPTION, PORTS } from './shared-options.ts';

export const codecServer = defineCommand({
  name: 'codec-server',
  summary: 'decrypts payloads for the Web UI, with the keys of PLAYBOOK_CODEC_KEYS',
  details:
    'Enter its address in the Web UI (data encoder) or pass it to `temporal --codec-endpoint`. Whoever it lets in can read everything:\n' +
    'beyond this machine it wants a token.',
  arguments: [],
  options: {
    port: { value: 'PORT', summary: 'where to listen; 8302 if not given' },
    host: HOST_OPTION,
    origin: { value: 'URL', multiple: true, summary: 'where the Web UI is; http://localhost:8233 if not given' },
    token: { value: 'REF', summary: 'reference to the token callers must send as Authorization: Bearer' },
  },
  examples: ['PLAYBOOK_CODEC_KEYS=2026-11=env:CODEC_KEY playbook codec-server --origin http://localhost:8080'],
  run: async ({ io, path, options: { port, host, origin, token } }) =>
    (await import('../actions/codec-server.ts')).runCodecServer(io, {
      port: parseWhole(port ?? '8302', 'port', PORTS, path),
      host: host ?? '127.0.0.1',
      origins: origin.length === 0 ? ['http://localhost:8233'] : origin,
      token,
    }),
});
