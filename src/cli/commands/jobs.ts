import { JOB_STATES } from '../../contracts/states.ts';
import { badUsage, didYouMean } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import type { CommandGroup } from '../args/command.ts';
import { parseDuration, parseWhole } from '../args/duration.ts';

const JOB_ARGUMENTS = [{ name: 'service/key' }, { name: 'key', optional: true }] as const;
const NAMING = 'A job is named <service>/<key>, or by service and key as two words.';

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
  summary: 'how a job stands; needs no worker',
  details: NAMING,
  arguments: JOB_ARGUMENTS,
  options: { json: JSON_OPTION },
  examples: ['playbook jobs status docproc/letter-7', 'playbook jobs status docproc letter-7 --json'],
  run: async ({ io, path, options: { json }, arguments: words }) => {
    const { jobStatus, namedJob } = await import('../actions/jobs.ts');
    return jobStatus(io, { workflowId: namedJob(words, path), json });
  },
});

const wait = defineCommand({
  name: 'wait',
  summary: 'wait for a job’s end; prints and exits like `playbook run`',
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
    const { namedJob, waitForJob } = await import('../actions/jobs.ts');
    return waitForJob(io, { workflowId: namedJob(words, path), json: options.json, maxWaitMs });
  },
});

const list = defineCommand({
  name: 'list',
  summary: 'jobs, the latest first',
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
  summary: 'ask for a job to be canceled, here and at the service',
  details: `${NAMING} A job that is over stays as it is.`,
  arguments: JOB_ARGUMENTS,
  options: { json: JSON_OPTION },
  examples: ['playbook jobs cancel docproc/letter-7'],
  run: async ({ io, path, options: { json }, arguments: words }) => {
    const { cancelJob, namedJob } = await import('../actions/jobs.ts');
    return cancelJob(io, { workflowId: namedJob(words, path), json });
  },
});

const retry = defineCommand({
  name: 'retry',
  summary: 'start the next generation of a FAILED or CANCELED job',
  details: `${NAMING} The new generation is a deliberate resubmission: it has an idempotency key of its own.`,
  arguments: JOB_ARGUMENTS,
  options: { json: JSON_OPTION },
  examples: ['playbook jobs retry docproc/letter-7'],
  run: async ({ io, path, options: { json }, arguments: words }) => {
    const { namedJob, retryJob } = await import('../actions/jobs.ts');
    return retryJob(io, { workflowId: namedJob(words, path), json });
  },
});

export const jobs: CommandGroup = {
  name: 'jobs',
  summary: 'start, look at, wait for, cancel and retry jobs',
  commands: [start, status, wait, list, cancel, retry],
};
