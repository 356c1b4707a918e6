import type { ContenderName } from './contenders.ts';
import type { Phase } from './measure.ts';

/** All that is known of one contender. */
export interface Measurements {
  readonly name: ContenderName;
  /** As fast as they can be started. */
  readonly saturated: Phase;
  /** Evenly, at half of our own saturation. */
  readonly paced: Phase;
  readonly events: number;
  readonly historyBytes: number;
  /** Of the Temporal server's database file, per job. */
  readonly databaseBytes: number;
  readonly types: readonly string[];
}

/** What is measured of our job alone. */
export interface OurOwn {
  /** Milliseconds from the start of `playbook worker` until it polls. */
  readonly coldStartMs: number;
  readonly idleMb: number;
  readonly waitingJobs: number;
  readonly waitingMb: number;
  /** Processor time of server and worker while there is nothing to do, milliseconds per second. */
  readonly idleServerMs: number;
  readonly idleWorkerMs: number;
}

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly load: string;
  readonly rounds: number;
  readonly pacedPerSecond: number;
  readonly contenders: readonly Measurements[];
  readonly own: OurOwn;
}

const fixed = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');

/** `bench/RESULTS.md`. */
export function renderReport(report: Report): string {
  const { contenders, own } = report;
  const of = (name: ContenderName): Measurements => {
    const found = contenders.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} was not measured`);
    return found;
  };
  const row = (what: string, value: (each: Measurements) => string): string =>
    `| ${what} | ${contenders.map(value).join(' | ')} |`;
  const lag = (each: Measurements, index: 0 | 1 | 2): string => fixed(each.paced.lagMs?.[index] ?? Number.NaN, 0);
  const [ours, floor, trusting] = [of('ours'), of('floor'), of('ours, trusting')];
  const [loop, polling] = [of('timer loop'), of('ours, polling')];
  const ratio = (value: number, to: number): string => `${fixed(value / to, 2)}×`;
  return `# A job, measured

\`npm run bench\` wrote this on ${report.date}: ${report.machine}; Node ${process.versions.node}; Temporal dev server 1.32 with a database in a
file. Load average at the start: ${report.load}. Other work shares the machine, so compare columns, not days: the contenders took turns on one server, ${report.rounds}
round(s) each, the pollers one.

- **floor**: the least that can be written: POST, await the signal, done. No validation, no pacing, no result, no fallback.
- **ours**: \`externalJob\` by webhook, the gate with a cap that does not bind. The webhook is a hint; a GET decides.
- **ours, trusting**: the same for a service whose signed webhook is taken at its word (\`webhook.trusted\` of the integration): no GET.
- **timer loop**: what is usually written: POST, then a timer and a GET, ten times.
- **ours, polling**: \`externalJob\` without webhooks, ten GETs.

| per job | ${contenders.map(({ name }) => name).join(' | ')} |
| --- | ${contenders.map(() => '---').join(' | ')} |
${row('worker CPU, ms (at saturation)', ({ saturated }) => fixed(saturated.workerMs))}
${row('worker CPU, ms (paced)', ({ paced }) => fixed(paced.workerMs))}
${row('receiver CPU, ms (at saturation)', ({ saturated }) => fixed(saturated.receiverMs))}
${row('server CPU, ms (at saturation)', ({ saturated }) => fixed(saturated.serverMs))}
${row('server CPU, ms (paced)', ({ paced }) => fixed(paced.serverMs))}
${row('history events', ({ events }) => fixed(events, 0))}
${row('history bytes', ({ historyBytes }) => fixed(historyBytes, 0))}
${row('database bytes', ({ databaseBytes }) => fixed(databaseBytes, 0))}
${row('Actions (billed)', ({ saturated }) => fixed(saturated.actions))}
${row('transactions of the server', ({ saturated }) => fixed(saturated.transactions))}
${row('requests to the service', ({ saturated }) => fixed(saturated.requests))}
${row('jobs per second at saturation', ({ saturated }) => fixed(saturated.perSecond))}
${row('from webhook to end, P50 ms', (each) => lag(each, 0))}
${row('from webhook to end, P95 ms', (each) => lag(each, 1))}
${row('from webhook to end, P99 ms', (each) => lag(each, 2))}

"Paced" is ${fixed(report.pacedPerSecond)} jobs per second, half of our saturation, for all; the times from the webhook to the end are from there. Actions and transactions are the
server's own counts, the gate's heartbeats included. The dev server has a single shard, whose task queues it polls at most 20 times per second;
that limit is raised for all contenders, since it is no property of a job and servers with many shards do not meet it.

## Ratios

| what | measured | wanted |
| --- | --- | --- |
| worker CPU, ours to the floor | ${ratio(ours.saturated.workerMs, floor.saturated.workerMs)} | ≤ 1.7× |
| worker CPU, ours trusting to the floor | ${ratio(trusting.saturated.workerMs, floor.saturated.workerMs)} | |
| server CPU, ours to the floor | ${ratio(ours.saturated.serverMs, floor.saturated.serverMs)} | ≤ 1.6× |
| server CPU, ours trusting to the floor | ${ratio(trusting.saturated.serverMs, floor.saturated.serverMs)} | |
| history events, ours | ${ours.events} | ≤ 28 |
| P95 from webhook to end, ours to the floor | ${ratio(ours.paced.lagMs?.[1] ?? Number.NaN, floor.paced.lagMs?.[1] ?? Number.NaN)} | ≤ 3× |
| P95 from webhook to end, ours trusting to the floor | ${ratio(trusting.paced.lagMs?.[1] ?? Number.NaN, floor.paced.lagMs?.[1] ?? Number.NaN)} | |
| history, ours polling to the timer loop | ${ratio(polling.events, loop.events)} | ≤ 0.33× |
| server CPU, ours by webhook to the timer loop | ${ratio(ours.saturated.serverMs, loop.saturated.serverMs)} | ≤ 0.5× |
| server CPU, ours polling to the timer loop | ${ratio(polling.saturated.serverMs, loop.saturated.serverMs)} | ≤ 0.5× |

## A worker process

| what | measured |
| --- | --- |
| cold start of \`playbook worker\` until it polls | ${fixed(own.coldStartMs / 1_000)} s |
| resident, idle | ${fixed(own.idleMb, 0)} MB |
| resident, ${own.waitingJobs} jobs waiting | ${fixed(own.waitingMb, 0)} MB: ${fixed(((own.waitingMb - own.idleMb) * 1_024) / own.waitingJobs)} KB a job |
| CPU while there is nothing to do | worker ${fixed(own.idleWorkerMs)} ms, server ${fixed(own.idleServerMs)} ms per second, one gate being held |

## Where our job's events go

| event | floor | ours |
| --- | --- | --- |
${eventRows(floor.types, ours.types)}

${WORTH}`;
}

function eventRows(floor: readonly string[], ours: readonly string[]): string {
  const count = (types: readonly string[], type: string): number => types.filter((each) => each === type).length;
  return [...new Set([...floor, ...ours])]
    .map((type) => `| ${type} | ${count(floor, type)} | ${count(ours, type)} |`)
    .join('\n');
}

const WORTH = `What each buys that the floor does not have:

- **Admission** (a marker of a local activity, no task queue): flags, weight, allow and deny lists, and the route, decided where it is kept and seen.
- **Two search attribute updates** (at acceptance and at the end): finding a job by the service's id, state, cost and latency; the samples a
  rollout decides by. They ride on workflow tasks that happen anyway.
- **The grace timer**: without it a lost webhook would be a lost job.
- **The fetch** (the marker of another local activity; an activity where the gate is held elsewhere or is busy): the webhook is only a hint, so nobody who can forge or delay one decides how a job
  ends; the result comes validated.
`;
