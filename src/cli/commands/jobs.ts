import { JOB_STATES } from '../../contracts/states.ts';
import { badUsage, didYouMean } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import type { CommandGroup } from '../args/command.ts';
import { parseDuration, parseWhole } from '../args/duration.ts';
import { named } from '../args/named.ts';

const JOB_ARGUMENTS = [{ name: 'service/key' }, { name: 'key', optional: true }] as const;
const NAMING =
  'A job is named <service>/<key>, or by service and key as two words: the one that ran alone, else the latest in a\n' +
  'batch. batch/<service>/<name> names a whole batch.';

const start = defineCommand({
  name: 'start',
  summary: 'start a job and return once it is accepted',
  details:
    'The input is made of a file, or given as JSON with --input. Without --key the key follows from the input: the\n' +
    'same command again finds the same job.',
  arguments: [{ name: 'service' }, { name: 'file', optional: true }],
  options: {
    input: { value: 'FILE', summary: 'the input as JSON; - is standard input' },
    key: { value: 'KEY', summary: 'the idempotency key' },
    unit: { value: 'UNIT', summary: 'who the job is for (tenant, user)' },
    json: JSON_OPTION,
  },
  examples: ['playbook jobs start docproc letter.pdf --key letter-7 --json'],
  run: async ({ io, path, options: { input, key, unit, json }, arguments: [service = '', file] }) => {
    if ((file === undefined) === (input === undefined)) throw badUsage('Give either a file or --input.', path);
    const from = file === undefined ? { json: input ?? '-' } : { file };
    return (await import('../actions/jobs.ts')).startJob(io, { service, from, key, unit, json });
  },
});

const status = defineCommand({
  name: 'status',
  summary: 'how a job or a batch stands; needs no worker',
  details: NAMING,
  arguments: JOB_ARGUMENTS,
  options: { json: JSON_OPTION },
  examples: ['playbook jobs status docproc/letter-7', 'playbook jobs status batch/docproc/november --json'],
  run: async ({ io, path, options: { json }, arguments: words }) => {
    const { job, batch } = named(words, path);
    if (batch !== undefined) return (await import('../actions/batches.ts')).batchStatus(io, { ...batch, json });
    return (await import('../actions/jobs.ts')).jobStatus(io, { workflowId: job, json });
  },
});

const wait = defineCommand({
  name: 'wait',
  summary: 'wait for the end of a job or a batch; prints and exits like `playbook run`',
  details: NAMING,
  arguments: JOB_ARGUMENTS,
  options: {
    'max-wait': { value: 'TIME', summary: 'wait so long at most (30s, 5m); then exit code 3' },
    json: JSON_OPTION,
  },
  examples: ['playbook jobs wait docproc/letter-7 --max-wait 1m --json'],
  run: async ({ io, path, options, arguments: words }) => {
    const maxWait = options['max-wait'];
    const maxWaitMs = maxWait === undefined ? undefined : parseDuration(maxWait, 'max-wait', path);
    const { json } = options;
    const { job, batch } = named(words, path);
    if (batch !== undefined) {
      return (await import('../actions/batches.ts')).waitForBatch(io, { ...batch, json, maxWaitMs });
    }
    return (await import('../actions/jobs.ts')).waitForJob(io, { workflowId: job, json, maxWaitMs });
  },
});

const list = defineCommand({
  name: 'list',
  summary: 'jobs and batches, the latest first',
  details:
    'Jobs of batches show as counts by state of their batch. With --state, batches with a job in that state; with --unit,\n' +
    'those that were started for that unit as a whole.',
  arguments: [],
  options: {
    service: { value: 'SERVICE', summary: 'of this service only' },
    state: { value: 'STATE', summary: JOB_STATES.join(', ') },
    unit: { value: 'UNIT', summary: 'of this unit only' },
    limit: { value: 'N', summary: 'so many at most; 100 if not given' },
    json: JSON_OPTION,
  },
  examples: ['playbook jobs list --state FAILED', 'playbook jobs list --service docproc --limit 1000 --json'],
  run: async ({ io, path, options: { service, state: stateName, unit, limit, json } }) => {
    const state = JOB_STATES.find((name) => name === stateName?.toUpperCase());
    if (stateName !== undefined && state === undefined) {
      const near = didYouMean(stateName, JOB_STATES, (name) => name);
      throw badUsage(`--state must be one of ${JOB_STATES.join(', ')}.${near}`, path);
    }
    const { listJobs } = await import('../actions/jobs.ts');
    return listJobs(io, {
      json,
      ...(service === undefined ? {} : { service }),
      ...(state === undefined ? {} : { state }),
      ...(unit === undefined ? {} : { unit }),
      ...(limit === undefined ? {} : { limit: parseWhole(limit, 'limit', { min: 1, max: 1_000_000 }, path) }),
    });
  },
});

const cancel = defineCommand({
  name: 'cancel',
  summary: 'ask for a job or a batch to be canceled, here and at the service',
  details: `${NAMING} What is over stays as it is.`,
  arguments: JOB_ARGUMENTS,
  options: { json: JSON_OPTION },
  examples: ['playbook jobs cancel docproc/letter-7', 'playbook jobs cancel batch/docproc/november'],
  run: async ({ io, path, options: { json }, arguments: words }) => {
    const { job, batch } = named(words, path);
    if (batch !== undefined) return (await import('../actions/batches.ts')).cancelBatch(io, { ...batch, json });
    return (await import('../actions/jobs.ts')).cancelJob(io, { workflowId: job, json });
  },
});

const retry = defineCommand({
  name: 'retry',
  summary: 'start the next generation of a FAILED or CANCELED job, or of all such jobs of a batch',
  details:
    `${NAMING} The new generation is a deliberate resubmission: it has an\n` +
    'idempotency key of its own. That of a job of a batch runs alone; those of a whole batch are a batch <name>.retry-<n>.',
  arguments: JOB_ARGUMENTS,
  options: { json: JSON_OPTION },
  examples: ['playbook jobs retry docproc/letter-7', 'playbook jobs retry batch/docproc/november'],
  run: async ({ io, path, options: { json }, arguments: words }) => {
    const { job, batch } = named(words, path);
    if (batch !== undefined) return (await import('../actions/batches.ts')).retryBatch(io, { ...batch, json });
    return (await import('../actions/jobs.ts')).retryJob(io, { workflowId: job, json });
  },
});

export const jobs: CommandGroup = {
  name: 'jobs',
  summary: 'start, look at, wait for, cancel and retry jobs',
  commands: [start, status, wait, list, cancel, retry],
};
