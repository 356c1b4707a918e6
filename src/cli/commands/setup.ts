import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { parseDuration } from '../args/duration.ts';

export const setup = defineCommand({
  name: 'setup',
  summary: 'prepare a Temporal server of your own; again does nothing',
  details:
    'Registers Playbook’s search attributes in the namespace at TEMPORAL_ADDRESS, and checks that the namespace keeps closed\n' +
    'workflows long enough: their ids are what makes keys and webhook events idempotent. Embedded servers need no setup.',
  arguments: [],
  options: {
    retention: { value: 'TIME', summary: 'raise the namespace’s retention to this (7d), where it is shorter' },
    json: JSON_OPTION,
  },
  examples: ['TEMPORAL_ADDRESS=temporal:7233 playbook setup', 'playbook setup --retention 7d'],
  run: async ({ io, path, options: { retention, json } }) =>
    (await import('../actions/setup.ts')).setUp(io, {
      retentionMs: retention === undefined ? undefined : parseDuration(retention, 'retention', path),
      json,
    }),
});
