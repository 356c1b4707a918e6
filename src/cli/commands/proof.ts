import { badUsage } from '../args/bad-usage.ts';
import type { CommandGroup } from '../args/command.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { parseDuration } from '../args/duration.ts';

const DIR = { value: 'DIR', summary: 'where proofs are; integrations/<service>/proofs if not given' } as const;
const WHICH = [{ name: 'service' }, { name: 'proof', optional: true }] as const;

const record = defineCommand({
  name: 'record',
  summary: 'run one job and keep every request, answer and webhook of it, sanitised',
  details:
    'Starts all it needs for this job alone: Temporal, worker, webhook receiver, and the sandbox unless the configuration names a service.\n' +
    'A service that is no sandbox on this machine is asked only with --live. Classified fields, sensitive headers and names, known secrets\n' +
    'and fields that no schema describes never reach the disk; files’ bytes neither.',
  arguments: [{ name: 'service' }, { name: 'file', optional: true }],
  options: {
    input: { value: 'FILE', summary: 'the job’s input as JSON, in place of a file; - is stdin' },
    config: {
      value: 'FILE',
      summary: 'the configuration; integrations/<service>/config.yaml if not given, else the sandbox',
    },
    key: { value: 'KEY', summary: 'the job’s key; made from the time if not given' },
    unit: { value: 'UNIT', summary: 'who the job is for' },
    retention: { value: 'TIME', summary: 'how long it may be kept: whole days such as 90d, or none; 90d if not given' },
    'max-wait': { value: 'TIME', summary: 'how long the job may take; 5m if not given' },
    live: { summary: 'a real service may be asked, at its price' },
    dir: DIR,
    json: JSON_OPTION,
  },
  examples: ['playbook proof record docproc', 'playbook proof record docproc letter.pdf --retention 30d'],
  run: async ({ io, path, options, arguments: [service = '', file] }) =>
    (await import('../actions/proof.ts')).record(io, {
      path,
      service,
      file,
      input: options.input,
      config: options.config,
      key: options.key,
      unit: options.unit,
      live: options.live,
      dir: options.dir,
      json: options.json,
      retentionDays: retentionDays(options.retention, path),
      maxWaitMs: parseDuration(options['max-wait'] ?? '5m', 'max-wait', path),
    }),
});

/** Whole days; `null` for `none`. */
function retentionDays(text: string | undefined, path: readonly string[]): number | null {
  if (text === 'none') return null;
  const match = /^([1-9]\d{0,3})d$/.exec(text ?? '90d');
  if (match !== null) return Number(match[1]);
  throw badUsage(`--retention must be whole days such as 90d, or none (got ${JSON.stringify(text)}).`, path);
}

const show = defineCommand({
  name: 'show',
  summary: 'what a proof holds: the job, how it ended, every exchange',
  arguments: WHICH,
  options: { bodies: { summary: 'headers and bodies, too' }, dir: DIR, json: JSON_OPTION },
  examples: ['playbook proof show docproc', 'playbook proof show docproc --bodies'],
  run: async ({ io, path, options, arguments: [service = '', proof] }) =>
    (await import('../actions/proof.ts')).show(io, { path, service, proof, ...options }),
});

const replay = defineCommand({
  name: 'replay',
  summary: 'run today’s code against a proof and say what differs',
  details:
    'Today’s definition, client, mappers, schemas and workflow, on a Temporal server of its own, against a service that answers as was\n' +
    'recorded, in the recorded order. Exit code 1 on any difference in what is sent, in which order, or in how the job ends.',
  arguments: WHICH,
  options: { dir: DIR, json: JSON_OPTION },
  examples: ['playbook proof replay docproc', 'playbook proof replay docproc --json'],
  run: async ({ io, path, options, arguments: [service = '', proof] }) =>
    (await import('../actions/proof.ts')).replay(io, { path, service, proof, ...options }),
});

const curl = defineCommand({
  name: 'curl',
  summary: 'a proof’s requests as commands, with their answers, in Markdown for spike-notes.md',
  arguments: WHICH,
  options: { dir: DIR },
  examples: ['playbook proof curl docproc'],
  run: async ({ io, path, options, arguments: [service = '', proof] }) =>
    (await import('../actions/proof.ts')).curl(io, { path, service, proof, json: false, ...options }),
});

const prune = defineCommand({
  name: 'prune',
  summary: 'remove the proofs whose retention is over; of every integration if none is named',
  arguments: [{ name: 'service', optional: true }],
  options: { 'dry-run': { summary: 'only say what would be removed' }, dir: DIR, json: JSON_OPTION },
  examples: ['playbook proof prune', 'playbook proof prune docproc --dry-run'],
  run: async ({ io, path, options, arguments: [service] }) => {
    if (options.dir !== undefined && service === undefined) throw badUsage('Say which service --dir is for.', path);
    return (await import('../actions/proof.ts')).prune(io, {
      path,
      service,
      dir: options.dir,
      dryRun: options['dry-run'],
      json: options.json,
      now: Date.now,
    });
  },
});

export const proof: CommandGroup = {
  name: 'proof',
  summary: 'record a job’s traffic, and check later code against it',
  commands: [record, show, replay, curl, prune],
};
