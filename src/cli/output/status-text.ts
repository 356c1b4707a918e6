import type { Budget, Change } from '../../contracts/control.ts';
import type { BudgetWindowView } from '../../rules/gate/budget.ts';
import type { LaneReading, ServiceReading } from '../compose/service-reading.ts';
import { age, clockTime, count, money, printable } from './format.ts';
import { columns } from './job-text.ts';
import { attention } from './status-notes.ts';

const HEAD = ['SERVICE', 'ENABLED', 'GATE', 'RATE', 'CREATED', 'PROCESSING', 'IN FLIGHT', 'BREAKER', 'SPENT', 'OLDEST'];

/** All services in a table, and below it what needs a look. */
export function statusTable(services: readonly ServiceReading[], hasWorker: boolean): string {
  if (services.length === 0) return 'No services.\n';
  const rows = services.flatMap((reading) => reading.lanes.map((lane) => row(reading, lane)));
  const notes = attention(services, hasWorker);
  return `${columns([HEAD, ...rows])}${notes.length === 0 ? '\nNothing needs attention.\n' : `\n${listed(notes)}`}`;
}

function row(reading: ServiceReading, lane: LaneReading): string[] {
  const { service, control, jobs, oldest, readAtMs } = reading;
  const { view } = lane;
  const isLive = lane.route === 'live';
  return [
    isLive ? service : '  its fallback',
    isLive ? enabled(reading) : '',
    gateWord(lane),
    view === null ? '-' : rate(view.rate),
    isLive ? String(jobs.created) : '',
    isLive ? String(jobs.processing) : '',
    view === null ? '-' : String(view.inFlight),
    view === null ? '-' : view.breaker.state,
    view === null ? '-' : spent(view.budget, control.budget),
    isLive && oldest !== undefined ? age(readAtMs - Date.parse(oldest.startedAt)) : isLive ? '-' : '',
  ];
}

/** One service, line by line. */
export function statusPage(reading: ServiceReading, hasWorker: boolean): string {
  const { service, control, lanes, jobs, oldest, readAtMs } = reading;
  const { changed } = control;
  const rows: readonly (readonly [string, string])[] = [
    ['service', service],
    ['enabled', enabled(reading)],
    ...(control.stage === undefined ? [] : ([['stage', control.stage]] as const)),
    ['allowed', units(control.allow)],
    ['denied', units(control.deny)],
    ['revision', String(control.revision)],
    [
      'last change',
      changed === undefined
        ? 'none: it is off until somebody enables it'
        : told(changed, `${changed.what} by ${changed.actor}`, readAtMs),
    ],
    ['waiting', `${count(jobs.created, 'job')} CREATED (not yet at the service), ${jobs.processing} PROCESSING`],
    [
      'oldest',
      oldest === undefined
        ? '-'
        : `${oldest.workflowId}, ${oldest.state}, ${age(readAtMs - Date.parse(oldest.startedAt))} old`,
    ],
    ...lanes.flatMap((lane) => laneRows(reading, lane)),
  ];
  const notes = attention([reading], hasWorker);
  const lines = rows.map(([name, value]) => `${name.padEnd(12)} ${printable(value)}\n`).join('');
  return `${lines}${notes.length === 0 ? '\nNothing needs attention.\n' : `\n${listed(notes)}`}`;
}

function laneRows({ control, readAtMs }: ServiceReading, lane: LaneReading): (readonly [string, string])[] {
  const { view, killed, holder } = lane;
  const of = lane.route === 'live' ? '' : 'fallback ';
  const gate: readonly [string, string] = [
    `${of}gate`,
    killed === null
      ? holder === null
        ? gateWord(lane)
        : `open, held by ${holder}`
      : `KILLED by ${told(killed, killed.actor, readAtMs)}`,
  ];
  if (view === null) return [gate];
  const { breaker } = view;
  const probe =
    breaker.nextProbeMs === undefined ? '' : `; next probe in ${age(Math.max(0, breaker.nextProbeMs - readAtMs))}`;
  return [
    gate,
    [`${of}rate`, `${rate(view.rate)}: ${view.rate.reason}`],
    [`${of}in flight`, `${view.inFlight} now, ${view.inWindow} the service's window may count`],
    [`${of}breaker`, `${breaker.state}: ${breaker.reason}${probe}`],
    ...view.budget.map((window): readonly [string, string] => {
      const limitMicros = limitOf(window, control.budget);
      const limit = limitMicros === undefined ? 'no limit' : `of ${money(limitMicros)}`;
      const turns = `starts anew in ${age(window.turnsAtMs - readAtMs)}`;
      return [
        `${of}${window.window === 'hourly' ? 'this hour' : 'today'}`,
        `${money(window.spentMicros)} ${limit}, ${turns}`,
      ];
    }),
  ];
}

/** The limit in force: what the control state says now, which the gate follows within a second. */
function limitOf({ window }: BudgetWindowView, budget: Budget): number | undefined {
  return window === 'hourly' ? budget.hourlyMicros : budget.dailyMicros;
}

function enabled({ control }: ServiceReading): string {
  const listedUnits = control.allow.length === 0 ? '' : `+${control.allow.length} allowed`;
  if (!control.enabled) return listedUnits === '' ? 'no' : `no, ${listedUnits.slice(1)}`;
  return `${control.weightBps / 100} %${control.weightBps < 10_000 && listedUnits !== '' ? ` ${listedUnits}` : ''}`;
}

function gateWord({ exists, killed, holder }: LaneReading): string {
  if (killed !== null) return 'KILLED';
  if (holder !== null) return holder;
  return exists ? 'no holder' : 'no gate yet';
}

function rate({
  limit,
  cap,
  windowMs,
}: {
  readonly limit: number;
  readonly cap: number;
  readonly windowMs: number;
}): string {
  const shown = limit >= 10 || Number.isInteger(limit) ? String(Math.floor(limit)) : limit.toFixed(2);
  return `${shown}/${cap} per ${windowMs === 1_000 ? 's' : age(windowMs)}`;
}

function spent(windows: readonly BudgetWindowView[], budget: Budget): string {
  return windows
    .map((window) => {
      const limitMicros = limitOf(window, budget);
      const limit = limitMicros === undefined ? '' : `/${money(limitMicros)}`;
      return `${money(window.spentMicros)}${limit} ${window.window === 'hourly' ? 'h' : 'd'}`;
    })
    .join(', ');
}

function told({ reason, atMs }: Change, who: string, nowMs: number): string {
  return `${who}, ${clockTime(atMs)} (${age(nowMs - atMs)} ago): ${reason}`;
}

function units(list: readonly string[]): string {
  if (list.length === 0) return 'nobody';
  return `${list.slice(0, 10).join(', ')}${list.length > 10 ? ` and ${list.length - 10} more` : ''}`;
}

function listed(notes: readonly string[]): string {
  return notes.map((note) => `! ${printable(note)}\n`).join('');
}
