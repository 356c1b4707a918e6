import { badUsage } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { PROJECT_OPTION } from './shared-options.ts';

export const check = defineCommand({
  name: 'check',
  summary: 'what an integration lacks by the Definition of Ready or of Done; exit code 1 if anything',
  details:
    '--ready: what is known before anything is built. --done (if neither is given): that, the exit criteria and the security checklist.\n' +
    'Each line is decided by looking at files, definition and test runs. Without a service: every integration.',
  arguments: [{ name: 'service', optional: true }],
  options: {
    ready: { summary: 'the Definition of Ready only' },
    done: { summary: 'Ready, Done and the security checklist' },
    record: { summary: 'once it is done, write the day into 00-scope.md' },
    project: PROJECT_OPTION,
    json: JSON_OPTION,
  },
  examples: ['playbook check docproc --ready', 'playbook check --done --json'],
  run: async ({ io, path, commands, options: { ready, done, ...options }, arguments: [service] }) => {
    if (ready && done) throw badUsage('--ready and --done are two goals: give one.', path);
    return (await import('../actions/check.ts')).runCheck(io, {
      service,
      goal: ready ? 'ready' : 'done',
      commands,
      ...options,
    });
  },
});
