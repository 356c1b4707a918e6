import type { RolloutCommand } from '../../rules/rollout/machine.ts';
import { parsePercent } from '../args/amounts.ts';
import type { CommandGroup } from '../args/command.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { CHANGE_OPTIONS, changeOf, WHY_OPTIONS, whyOf } from './change-options.ts';

const SERVICE = [{ name: 'service' }] as const;
const PLAN = {
  value: 'FILE',
  summary: 'a plan; integrations/<service>/rollout.yaml if not given, else the default plan',
} as const;

const plan = defineCommand({
  name: 'plan',
  summary: 'the stages, and how many samples and how long each needs at the recent traffic',
  arguments: SERVICE,
  options: { plan: PLAN, json: JSON_OPTION },
  examples: ['playbook rollout plan docproc'],
  run: async ({ io, options, arguments: [service = ''] }) =>
    (await import('../actions/rollout.ts')).showPlan(io, { service, ...options }),
});

const start = defineCommand({
  name: 'start',
  summary: 'start a rollout, or go back with --rollback',
  details:
    'One at a time for each service. After an abort it is the next attempt: fresh counters, the same units. With --rollback one that\n' +
    'is under way is aborted, and what held before the latest rollout holds again. Needs a running worker.',
  arguments: SERVICE,
  options: { plan: PLAN, rollback: { summary: 'back to what held before the latest rollout' }, ...WHY_OPTIONS },
  examples: [
    'playbook rollout start docproc --reason "v3, ticket 4711"',
    'playbook rollout start docproc --rollback --reason "complaints"',
  ],
  run: async (call) => {
    const {
      options,
      arguments: [service = ''],
    } = call;
    const request = { service, json: options.json, why: await whyOf(call) };
    const actions = await import('../actions/rollout.ts');
    return options.rollback
      ? actions.undoRollout(call.io, request)
      : actions.beginRollout(call.io, { ...request, plan: options.plan });
  },
});

const status = defineCommand({
  name: 'status',
  summary: 'how the latest rollout stands and what it waits for; needs no worker',
  arguments: SERVICE,
  options: { watch: { summary: 'again every second, until it is over or Ctrl-C' }, json: JSON_OPTION },
  examples: ['playbook rollout status docproc --watch'],
  run: async ({ io, options, arguments: [service = ''] }) =>
    (await import('../actions/rollout.ts')).showRollout(io, { service, ...options }),
});

const retry = defineCommand({
  name: 'retry',
  summary: 'start an aborted rollout anew: fresh counters, the same units',
  arguments: SERVICE,
  options: { plan: PLAN, ...CHANGE_OPTIONS },
  examples: ['playbook rollout retry docproc --reason "fixed"'],
  run: async (call) =>
    (await import('../actions/rollout.ts')).retryAborted(call.io, {
      plan: call.options.plan,
      ...(await changeOf(call)),
    }),
});

const weight = defineCommand({
  name: 'weight',
  summary: 'hold this stage at another share of units, at most its own; its watchers go on',
  details: 'The rollout is paused at that weight; `resume` goes back to the stage’s own. To rise above it: `promote`.',
  arguments: [{ name: 'service' }, { name: 'share' }],
  options: CHANGE_OPTIONS,
  examples: ['playbook rollout weight docproc 2% --reason "the queue grows"'],
  run: async (call) => {
    const weightBps = parsePercent(call.arguments[1] ?? '', call.path);
    const change = await changeOf(call);
    return (await import('../actions/rollout.ts')).tellRollout(call.io, 'setWeight', { ...change, weightBps });
  },
});

const history = defineCommand({
  name: 'history',
  summary: 'every step of the latest rollout: when, who, why; with --json its verdicts and counts, too',
  arguments: SERVICE,
  options: { json: JSON_OPTION },
  examples: ['playbook rollout history docproc --json'],
  run: async ({ io, options, arguments: [service = ''] }) =>
    (await import('../actions/rollout.ts')).showRolloutHistory(io, { service, ...options }),
});

const abort = defineCommand({
  name: 'abort',
  summary: 'back to the safe weight now',
  details: 'With --no-wait it is only told to, which works without a worker: it happens once there is one.',
  arguments: SERVICE,
  options: { 'no-wait': { summary: 'do not wait for a worker' }, ...CHANGE_OPTIONS },
  examples: ['playbook rollout abort docproc --reason "complaints"'],
  run: async (call) => {
    const change = await changeOf(call);
    const actions = await import('../actions/rollout.ts');
    return call.options['no-wait']
      ? actions.abortLater(call.io, change)
      : actions.tellRollout(call.io, 'abort', change);
  },
});

function telling(name: Exclude<RolloutCommand, 'abort' | 'setWeight'>, summary: string) {
  return defineCommand({
    name,
    summary,
    arguments: SERVICE,
    options: CHANGE_OPTIONS,
    examples: [`playbook rollout ${name} docproc --reason "ticket 4711"`],
    run: async (call) => (await import('../actions/rollout.ts')).tellRollout(call.io, name, await changeOf(call)),
  });
}

export const rollout: CommandGroup = {
  name: 'rollout',
  summary: 'bring a service to its users in stages that are watched',
  commands: [
    plan,
    start,
    status,
    telling('approve', 'let a stage that needs it go on once it has passed'),
    telling('pause', 'stay at this stage; its watchers go on and may abort'),
    telling('resume', 'go on from a pause, with this stage’s own weight and a new deadline'),
    telling('promote', 'on to the next stage without waiting for evidence'),
    weight,
    abort,
    retry,
    history,
  ],
};
