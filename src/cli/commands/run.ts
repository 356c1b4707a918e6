import { badUsage } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { parseDuration } from '../args/duration.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'one job per file, to its end',
  details:
    'Uses the Temporal at TEMPORAL_ADDRESS (or of Temporal’s environment configuration) if there is one; else what `playbook up` or\n' +
    '`playbook start` runs in this folder; else it starts the embedded parts it needs.\n' +
    'Without --key the key follows from the file’s content and the options: the same command again finds the same job.\n' +
    'Exit code: 0 all COMPLETED; 1 any FAILED or CANCELED; 2 bad usage, bad configuration or a missing file, nothing sent;\n' +
    '3 some still PENDING at --max-wait: they go on.',
  arguments: [{ name: 'service' }, { name: 'file', many: true }],
  options: {
    key: { value: 'KEY', summary: 'the idempotency key; for one file only' },
    unit: { value: 'UNIT', summary: 'who the job is for (tenant, user): what a rollout buckets by' },
    config: { value: 'FILE', summary: 'the service’s configuration, for the embedded worker' },
    'max-wait': { value: 'TIME', summary: 'wait so long at most (30s, 5m); without it, as long as it takes' },
    json: JSON_OPTION,
    keep: { summary: 'keep the embedded parts running afterwards, until Ctrl-C' },
  },
  examples: ['playbook run docproc letter.pdf', 'playbook run docproc a.pdf b.pdf --max-wait 30s --json'],
  run: async ({ io, path, options, arguments: [service = '', ...files] }) => {
    if (options.key !== undefined && files.length > 1) {
      throw badUsage(`--key names one job, and ${files.length} files are given: leave it out, or give one file.`, path);
    }
    const maxWait = options['max-wait'];
    const { runFiles } = await import('../actions/run.ts');
    return runFiles(io, {
      path,
      service,
      files,
      key: options.key,
      unit: options.unit,
      config: options.config,
      maxWaitMs: maxWait === undefined ? undefined : parseDuration(maxWait, 'max-wait', path),
      json: options.json,
      keep: options.keep,
    });
  },
});
