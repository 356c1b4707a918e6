import type { Client } from '@temporalio/client';
import { countOpenJobs, readJobCosts } from '../../client/index.ts';
import type { CostQuery, JobCosts } from '../../client/index.ts';
import type { Route } from '../../contracts/states.ts';
import type { AttributionSnapshot } from '../../rules/gate/attribution.ts';
import { checkService } from '../compose/operated-services.ts';
import { readLane } from '../compose/service-reading.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { clockTime, count, dollars } from '../output/format.ts';
import { columns } from '../output/job-text.ts';
import { withRunning } from './jobs.ts';

export interface CostOptions extends CostQuery {
  readonly json: boolean;
}

/** What a gate has counted today. */
interface Counted {
  readonly route: Route;
  readonly costs: AttributionSnapshot;
}

/** What finished jobs cost, and what the gates have counted today. */
export async function showCost(io: CliIo, { json, ...query }: CostOptions): Promise<ExitCode> {
  const { service } = query;
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    const [finished, open, counted] = await Promise.all([
      readJobCosts(client, query),
      countOpenJobs(client, service),
      countedToday(client, service),
    ]);
    const underWay = open.created + open.processing;
    io.stdout.write(
      json
        ? `${JSON.stringify(costLine(query, finished, underWay, counted))}\n`
        : costText(query, finished, underWay, counted),
    );
    return EXIT.ok;
  });
}

async function countedToday(client: Client, service: string): Promise<readonly Counted[]> {
  const routes: readonly Route[] = ['live', 'fallback'];
  const lanes = await Promise.all(routes.map((route) => readLane(client, service, route)));
  return lanes.flatMap(({ route, view }) => (view === null ? [] : [{ route, costs: view.costs }]));
}

function costLine(
  { service, sinceMs, by }: CostQuery,
  { rows, total, unpriced }: JobCosts,
  jobsUnderWay: number,
  counted: readonly Counted[],
): object {
  const amounts = (sums: Readonly<Record<string, number>>): object =>
    Object.fromEntries(Object.entries(sums).map(([name, micros]) => [name, usd(micros)]));
  return {
    service,
    since: new Date(sinceMs).toISOString(),
    by,
    finishedJobs: {
      rows: rows.map(({ costMicros, ...row }) => ({ ...row, costUsd: usd(costMicros) })),
      jobs: total.jobs,
      completed: total.completed,
      costUsd: usd(total.costMicros),
      unpriced,
    },
    jobsUnderWay,
    gateToday: counted.map(({ route, costs: { totalMicros, units, tags } }) => ({
      route,
      totalUsd: usd(totalMicros),
      units: amounts(units),
      tags: amounts(tags),
    })),
  };
}

function usd(micros: number): number {
  return micros / 1e6;
}

function costText(
  { service, sinceMs, by }: CostQuery,
  { rows, total, unpriced }: JobCosts,
  underWay: number,
  counted: readonly Counted[],
): string {
  const amounts = rows.map(({ name, jobs, completed, costMicros }) => [
    name === '' ? '(none)' : name,
    String(jobs),
    String(completed),
    dollars(costMicros),
  ]);
  const sum = ['total', String(total.jobs), String(total.completed), dollars(total.costMicros)];
  const gates = counted.map(({ route, costs }) => {
    const names = by === 'tag' ? costs.tags : by === 'unit' ? costs.units : {};
    const parts = Object.entries(names).map(([name, micros]) => `${name} ${dollars(micros)}`);
    const split = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
    const which = route === 'live' ? 'gate' : 'fallback’s gate';
    return `Counted by the ${which} today (UTC), requests of unfinished jobs included, prices as declared: ${dollars(costs.totalMicros)}${split}\n`;
  });
  return [
    `Jobs of ${service} that ended since ${clockTime(sinceMs)}, at what they cost in the end:\n`,
    columns([[by.toUpperCase(), 'JOBS', 'COMPLETED', 'COST'], ...amounts, sum]),
    ...(unpriced === 0
      ? []
      : [`${count(unpriced, 'job')} of them ended without saying what they cost: their workflows were terminated.\n`]),
    ...(underWay === 0 ? [] : [`${count(underWay, 'job')} under way ${underWay === 1 ? 'is' : 'are'} not in it.\n`]),
    ...(gates.length === 0
      ? [`Nobody holds the gate of ${service}, so what it counted today is not known now.\n`]
      : gates),
  ].join('');
}
