import { userInfo } from 'node:os';
import { badUsage } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import type { CommandGroup } from '../args/command.ts';
import { parseWhole } from '../args/duration.ts';
import { CONFIG_OPTION, HOST_OPTION, METRICS_OPTION, PORTS } from './shared-options.ts';

const receiver = defineCommand({
  name: 'webhooks',
  summary: 'the webhook receiver on its own, as in production',
  details:
    'Takes webhooks at /webhooks/<service>[/<token>] and hands them to the Temporal at TEMPORAL_ADDRESS. Listens at once; while\n' +
    'Temporal is away, senders get 503 and come again. /healthz and /readyz are for probes.',
  arguments: [],
  options: {
    port: { value: 'PORT', summary: 'where to listen; 8301 if not given' },
    host: HOST_OPTION,
    'trusted-proxies': {
      value: 'N',
      summary: 'proxies of ours in front, whose X-Forwarded-For says who sent; 0 if not given',
    },
    metrics: METRICS_OPTION,
    config: CONFIG_OPTION,
  },
  examples: [
    'playbook webhooks --port 8301 --config docproc=./docproc.yaml',
    'playbook webhooks --host 0.0.0.0 --trusted-proxies 1 --config docproc=./docproc.yaml',
  ],
  run: async ({ io, path, options }) =>
    (await import('../actions/receiver.ts')).runReceiver(io, {
      path,
      configs: options.config,
      host: options.host ?? '127.0.0.1',
      port: parseWhole(options.port ?? '8301', 'port', PORTS, path),
      trustedProxies: parseWhole(options['trusted-proxies'] ?? '0', 'trusted-proxies', { min: 0, max: 10 }, path),
      metrics: options.metrics,
    }),
});

const listLetters = defineCommand({
  name: 'list',
  summary: 'events for which no job was found',
  arguments: [],
  options: {
    service: { value: 'SERVICE', summary: 'of this service only' },
    limit: { value: 'N', summary: 'so many at most; 100 if not given' },
    json: JSON_OPTION,
  },
  examples: ['playbook webhooks dead-letters list --json'],
  run: async ({ io, path, options: { service, limit, json } }) =>
    (await import('../actions/dead-letters.ts')).listLetters(io, {
      json,
      ...(service === undefined ? {} : { service }),
      ...(limit === undefined ? {} : { limit: parseWhole(limit, 'limit', { min: 1, max: 1_000_000 }, path) }),
    }),
});

const retryLetter = defineCommand({
  name: 'retry',
  summary: 'look for the event’s job again',
  arguments: [{ name: 'service' }, { name: 'event' }],
  options: { json: JSON_OPTION },
  examples: ['playbook webhooks dead-letters retry docproc evt_123'],
  run: async ({ io, options: { json }, arguments: [service = '', eventId = ''] }) =>
    (await import('../actions/dead-letters.ts')).retryLetter(io, { service, eventId }, json),
});

const discardLetter = defineCommand({
  name: 'discard',
  summary: 'give the event up for good',
  arguments: [{ name: 'service' }, { name: 'event' }],
  options: {
    reason: { value: 'TEXT', summary: 'why; kept with the event; must be given' },
    actor: { value: 'NAME', summary: 'who decides; the system’s user if not given' },
    json: JSON_OPTION,
  },
  examples: ['playbook webhooks dead-letters discard docproc evt_123 --reason "a test of the vendor’s"'],
  run: async ({ io, path, options: { reason, actor, json }, arguments: [service = '', eventId = ''] }) => {
    if (reason === undefined) throw badUsage('Say why with --reason: it is kept with the event.', path);
    const why = { actor: actor ?? userInfo().username, reason };
    return (await import('../actions/dead-letters.ts')).discardLetter(io, { service, eventId }, why, json);
  },
});

const sign = defineCommand({
  name: 'sign',
  summary: 'the headers a service would send with a body, to try the receiver by hand',
  arguments: [{ name: 'service' }, { name: 'body' }],
  options: {
    secret: {
      value: 'REF',
      summary: 'reference to the secret (env:NAME, file:/path); env:<SERVICE>_WEBHOOK_SECRET if not given',
    },
    id: { value: 'ID', summary: 'the event’s id; a random one if not given' },
    json: JSON_OPTION,
  },
  details: '<body> is the file to sign, byte by byte; - is standard input.',
  examples: ['playbook webhooks sign docproc event.json --secret env:DOCPROC_WEBHOOK_SECRET'],
  run: async ({ io, options: { secret, id, json }, arguments: [service = '', body = ''] }) =>
    (await import('../actions/sign.ts')).signBody(io, {
      service,
      body,
      secret: secret ?? `env:${service.replaceAll('-', '_').toUpperCase()}_WEBHOOK_SECRET`,
      id,
      json,
    }),
});

export const webhooks: CommandGroup = {
  name: 'webhooks',
  summary: 'the webhook receiver on its own, as in production',
  itself: receiver,
  commands: [
    {
      name: 'dead-letters',
      summary: 'events for which no job was found: list, retry, discard',
      commands: [listLetters, retryLetter, discardLetter],
    },
    sign,
  ],
};
