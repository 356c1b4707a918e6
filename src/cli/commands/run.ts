import { badUsage } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { parseDuration } from '../args/duration.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'one job per file, to its end; with --from many jobs as one batch',
  details:
    'Uses the Temporal at TEMPORAL_ADDRESS (or of Temporal’s environment configuration) if there is one; else what `playbook up` or\n' +
    '`playbook start` runs in this folder; else it starts the embedded parts it needs.\n' +
    'Without --key the key follows from the file’s content and the options: the same command again finds the same job.\n' +
    'Exit code: 0 all COMPLETED; 1 any FAILED or CANCELED; 2 bad usage, bad configuration or a missing file, nothing sent;\n' +
    '3 some still PENDING at --max-wait, or after Ctrl-C: they go on.\n' +
    'With --from, each line of a .jsonl file ({"key": …, "input": {…}}), row of a .csv file (columns key, unit, file, or the\n' +
    'input’s own) or file of a folder is a job; some hundred share a workflow (docs/batches.md). Ctrl-C detaches, and the same\n' +
    'command takes the batch up again.',
  arguments: [{ name: 'service' }, { name: 'file', many: true, optional: true }],
  options: {
    key: { value: 'KEY', summary: 'the idempotency key; for one file only' },
    unit: { value: 'UNIT', summary: 'who the job is for (tenant, user): what a rollout buckets by' },
    config: { value: 'FILE', summary: 'the service’s configuration, for the embedded worker' },
    'max-wait': { value: 'TIME', summary: 'wait so long at most (30s, 5m); without it, as long as it takes' },
    from: { value: 'PATH', summary: 'many jobs: a .jsonl or .csv file, or a folder' },
    name: { value: 'NAME', summary: 'the batch’s name; without it, it follows from what --from holds' },
    out: { value: 'FILE', summary: 'where the batch’s results go, one JSON object per line' },
    'retry-failed': { summary: 'only those of the batch that did not complete, as their next generation' },
    json: JSON_OPTION,
    keep: { summary: 'keep the embedded parts running afterwards, until Ctrl-C' },
  },
  examples: [
    'playbook run docproc letter.pdf',
    'playbook run docproc a.pdf b.pdf --max-wait 30s --json',
    'playbook run docproc --from letters.csv --name november --out results.jsonl',
    'playbook run docproc --from letters.csv --name november --retry-failed',
  ],
  run: async ({ io, path, options, arguments: [service = '', ...files] }) => {
    const { from } = options;
    if (from !== undefined) {
      const clash = (['key', 'max-wait', 'keep'] as const).find((flag) => options[flag]);
      if (files.length > 0 || clash !== undefined) {
        throw badUsage(
          `--from brings its jobs itself: leave ${clash === undefined ? 'the files' : `--${clash}`} out.`,
          path,
        );
      }
      const { runBatch } = await import('../actions/run-batch.ts');
      const { name, out, unit, config, json } = options;
      return runBatch(io, { path, service, from, name, out, unit, config, json, retryFailed: options['retry-failed'] });
    }
    const alone = (['name', 'out', 'retry-failed'] as const).find((flag) => options[flag]);
    if (alone !== undefined) throw badUsage(`--${alone} is for a batch: say with --from where its jobs are.`, path);
    if (files.length === 0) throw badUsage('<file> is missing; or say with --from where many jobs are.', path);
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
