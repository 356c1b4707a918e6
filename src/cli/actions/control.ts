import type { Client } from '@temporalio/client';
import { changeControl, readControl, readGate } from '../../client/index.ts';
import type { Budget, ControlChanges, ControlState, ControlUpdate } from '../../contracts/control.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { checkService } from '../compose/operated-services.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { count, money } from '../output/format.ts';
import { withRunning } from './jobs.ts';

/** What every change of the control state carries. */
export interface ChangeOptions {
  readonly service: string;
  readonly why: { readonly actor: string; readonly reason: string };
  readonly expectedRevision: number | undefined;
  readonly json: boolean;
}

/** A change as somebody asked for it, from the state it is decided on. */
type Decide<U extends ControlUpdate> = (now: ControlState) => {
  readonly args: Omit<ControlChanges[U], 'actor' | 'reason' | 'expectedRevision'>;
  /** The change is one of a part of `now` only: nobody else's change may come between. */
  readonly onThisState: boolean;
};

/** Told while a worker takes its time. */
const PATIENCE_MS = 2_500;
/** Changes of a part are decided anew so often when others come between. */
const MOST_TRIES = 5;

/** Enables or disables a service. */
export async function switchService(
  io: CliIo,
  update: 'enable' | 'disable',
  options: ChangeOptions,
): Promise<ExitCode> {
  return change(io, update, options, () => ({ args: {}, onThisState: false }));
}

/** @param weightBps basis points */
export async function setWeight(io: CliIo, weightBps: number, options: ChangeOptions): Promise<ExitCode> {
  return change(io, 'setWeight', options, () => ({ args: { weightBps }, onThisState: false }));
}

/** Limits to set; `null` removes one, an absent one stays. */
export interface BudgetChange {
  readonly hourlyMicros?: number | null;
  readonly dailyMicros?: number | null;
}

export async function setBudget(io: CliIo, limits: BudgetChange, options: ChangeOptions): Promise<ExitCode> {
  return change(io, 'setBudget', options, ({ budget }) => {
    const merged = Object.entries({ ...budget, ...limits }).filter(([, micros]) => micros !== null);
    return { args: { budget: Object.fromEntries(merged) as Budget }, onThisState: Object.keys(limits).length < 2 };
  });
}

/** Puts units on a list, or takes them off it. */
export async function changeList(
  io: CliIo,
  list: 'allow' | 'deny',
  { units, remove }: { readonly units: readonly string[]; readonly remove: boolean },
  options: ChangeOptions,
): Promise<ExitCode> {
  return change(io, list, options, (now) => {
    const kept = now[list].filter((unit) => !units.includes(unit));
    return { args: { units: remove ? kept : [...kept, ...units] }, onThisState: true };
  });
}

async function change<U extends ControlUpdate>(
  io: CliIo,
  update: U,
  options: ChangeOptions,
  decide: Decide<U>,
): Promise<ExitCode> {
  const { service, json } = options;
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    const patience = setTimeout(() => {
      io.stderr.write('Waiting for a worker to take the change …\n');
    }, PATIENCE_MS);
    let state: ControlState;
    try {
      state = await attempt(client, update, options, decide);
    } finally {
      clearTimeout(patience);
    }
    if (json) io.stdout.write(`${JSON.stringify({ service, ...state })}\n`);
    else io.stdout.write(await outcome(client, service, update, state));
    return EXIT.ok;
  });
}

async function attempt<U extends ControlUpdate>(
  client: Client,
  update: U,
  { service, why, expectedRevision }: ChangeOptions,
  decide: Decide<U>,
): Promise<ControlState> {
  for (let tries = 1; ; tries += 1) {
    const now = await readControl(client, service);
    const { args, onThisState } = decide(now);
    const expected = expectedRevision ?? (onThisState ? now.revision : undefined);
    const request = { ...args, ...why, ...(expected === undefined ? {} : { expectedRevision: expected }) };
    try {
      return await changeControl(client, service, update, request as unknown as ControlChanges[U]);
    } catch (error) {
      const isStale = error instanceof PlaybookError && error.code === 'STALE_REVISION';
      if (!isStale || expectedRevision !== undefined || tries >= MOST_TRIES) throw error;
    }
  }
}

async function outcome(client: Client, service: string, update: ControlUpdate, state: ControlState): Promise<string> {
  const { closed } = await readGate(client, service);
  return [
    `${service}: ${state.changed?.what ?? ''} (revision ${state.revision}). Workers follow within a second.`,
    ...meaning(update, state),
    ...(closed === null || update === 'disable'
      ? []
      : [
          `Its gate is killed by ${closed.actor} (${closed.reason}): nothing is sent until \`playbook restore ${service}\`.`,
        ]),
    '',
  ].join('\n');
}

/** What a change means, where its name does not say all of it. */
function meaning(update: ControlUpdate, { enabled, weightBps, allow, budget }: ControlState): readonly string[] {
  const allowed =
    allow.length === 0 ? [] : [`Still admitted, because they are on the allow list: ${count(allow.length, 'unit')}.`];
  switch (update) {
    case 'enable':
      return [`Jobs of ${weightBps / 100} % of units are admitted.`];
    case 'disable':
      return [
        'New jobs, and those not sent yet, go to the fallback where there is one, else they fail as INTEGRATION_DISABLED.',
        'Jobs at the service go on; to stop every request: `playbook kill`.',
        ...allowed,
      ];
    case 'setWeight':
      return enabled ? [] : ['It is disabled, so the weight has no effect yet.', ...allowed];
    case 'setBudget': {
      const { hourlyMicros, dailyMicros } = budget;
      if (hourlyMicros === undefined && dailyMicros === undefined) return ['There is no limit on spending now.'];
      const limits = [hourlyMicros, dailyMicros].map((micros) => (micros === undefined ? 'no limit' : money(micros)));
      return [
        `An hour: ${limits[0]}; a day: ${limits[1]} (UTC). When it is spent, submits wait; jobs at the service go on.`,
      ];
    }
    case 'allow':
      return enabled ? [] : ['It is disabled; units on the allow list are admitted nevertheless.'];
    case 'deny':
    default:
      return [];
  }
}
