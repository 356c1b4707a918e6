import { parseDollars, parsePercent } from '../args/amounts.ts';
import { badUsage } from '../args/bad-usage.ts';
import { defineCommand } from '../args/command.ts';
import { CHANGE_OPTIONS, changeOf, WHY_OPTIONS, whyOf } from './change-options.ts';

const SERVICE = [{ name: 'service' }] as const;

export const enable = defineCommand({
  name: 'enable',
  summary: 'admit a service’s jobs, as far as its weight and lists allow',
  details: 'Every integration is off until somebody enables it. Needs a running worker.',
  arguments: SERVICE,
  options: CHANGE_OPTIONS,
  examples: ['playbook enable docproc --reason "go-live, ticket 4711"'],
  run: async (call) => (await import('../actions/control.ts')).switchService(call.io, 'enable', await changeOf(call)),
});

export const disable = defineCommand({
  name: 'disable',
  summary: 'admit no more jobs; those at the service go on',
  details:
    'Jobs that are not at the service yet go to the fallback where there is one, else they fail as INTEGRATION_DISABLED.\n' +
    'To stop every request at once: `playbook kill`. Needs a running worker.',
  arguments: SERVICE,
  options: CHANGE_OPTIONS,
  examples: ['playbook disable docproc --reason "results look wrong" --expect-revision 12'],
  run: async (call) => (await import('../actions/control.ts')).switchService(call.io, 'disable', await changeOf(call)),
});

export const kill = defineCommand({
  name: 'kill',
  summary: 'the kill switch: within two seconds nothing is sent any more',
  details:
    'Jobs, new ones too, wait in Temporal until `playbook restore`; webhooks are still taken. Says when it took effect, or what is\n' +
    'still open. Needs no worker: a gate that none closes within a second is replaced. <service>.fallback names the fallback’s gate.',
  arguments: SERVICE,
  options: {
    ...WHY_OPTIONS,
    force: { summary: 'replace the gate at once, without asking a worker to close it' },
  },
  examples: [
    'playbook kill docproc --reason "it sends wrong documents"',
    'playbook kill docproc --force --reason "no worker answers"',
  ],
  run: async (call) =>
    (await import('../actions/gate.ts')).killService(call.io, {
      gate: call.arguments[0] ?? '',
      why: await whyOf(call),
      json: call.options.json,
      force: call.options.force,
    }),
});

export const restore = defineCommand({
  name: 'restore',
  summary: 'open a killed gate again; the backlog resumes by itself',
  arguments: SERVICE,
  options: WHY_OPTIONS,
  examples: ['playbook restore docproc --reason "fixed on their side"'],
  run: async (call) =>
    (await import('../actions/gate.ts')).restoreService(call.io, {
      gate: call.arguments[0] ?? '',
      why: await whyOf(call),
      json: call.options.json,
    }),
});

export const weight = defineCommand({
  name: 'weight',
  summary: 'admit this share of the units',
  details: 'A unit that is admitted at one weight is admitted at every higher one. Needs a running worker.',
  arguments: [{ name: 'service' }, { name: 'share' }],
  options: CHANGE_OPTIONS,
  examples: ['playbook weight docproc 10% --reason "first stage"', 'playbook weight docproc 0.5% --reason "canary"'],
  run: async (call) => {
    const weightBps = parsePercent(call.arguments[1] ?? '', call.path);
    return (await import('../actions/control.ts')).setWeight(call.io, weightBps, await changeOf(call));
  },
});

export const budget = defineCommand({
  name: 'budget',
  summary: 'limit what may be spent in an hour and a day (UTC)',
  details:
    'A limit that is not named stays; `none` removes one, --none both. At 80 % an alarm, at 100 % no new submits until the hour or\n' +
    'day turns or the limit is raised; jobs at the service go on. Needs a running worker.',
  arguments: SERVICE,
  options: {
    hourly: { value: 'USD', summary: 'dollars an hour, such as $5; or none' },
    daily: { value: 'USD', summary: 'dollars a day; or none' },
    none: { summary: 'no limits' },
    ...CHANGE_OPTIONS,
  },
  examples: [
    'playbook budget docproc --hourly $5 --daily $50 --reason "agreed for March"',
    'playbook budget docproc --none --reason "flat rate"',
  ],
  run: async (call) => {
    const { hourly, daily, none } = call.options;
    if (none === (hourly !== undefined || daily !== undefined)) {
      throw badUsage('Give --hourly or --daily (or both), or --none.', call.path);
    }
    const limit = (text: string, flag: string) => (text === 'none' ? null : parseDollars(text, flag, call.path));
    const limits = none
      ? { hourlyMicros: null, dailyMicros: null }
      : {
          ...(hourly === undefined ? {} : { hourlyMicros: limit(hourly, 'hourly') }),
          ...(daily === undefined ? {} : { dailyMicros: limit(daily, 'daily') }),
        };
    return (await import('../actions/control.ts')).setBudget(call.io, limits, await changeOf(call));
  },
});

const LIST_OPTIONS = { remove: { summary: 'take them off the list' }, ...CHANGE_OPTIONS } as const;
const UNITS = [{ name: 'service' }, { name: 'unit', many: true }] as const;

export const allow = defineCommand({
  name: 'allow',
  summary: 'admit these units whatever the weight, also while the service is disabled',
  details: 'Deny goes before allow. Needs a running worker.',
  arguments: UNITS,
  options: LIST_OPTIONS,
  examples: ['playbook allow docproc tenant-1 tenant-2 --reason "pilot"'],
  run: async (call) => {
    const units = call.arguments.slice(1);
    const { remove } = call.options;
    return (await import('../actions/control.ts')).changeList(
      call.io,
      'allow',
      { units, remove },
      await changeOf(call),
    );
  },
});

export const deny = defineCommand({
  name: 'deny',
  summary: 'never admit these units',
  details: 'Deny goes before allow. Needs a running worker.',
  arguments: UNITS,
  options: LIST_OPTIONS,
  examples: [
    'playbook deny docproc tenant-3 --reason "not under contract"',
    'playbook deny docproc tenant-3 --remove --reason "signed"',
  ],
  run: async (call) => {
    const units = call.arguments.slice(1);
    const { remove } = call.options;
    return (await import('../actions/control.ts')).changeList(call.io, 'deny', { units, remove }, await changeOf(call));
  },
});
