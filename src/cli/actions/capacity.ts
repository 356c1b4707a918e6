import { capacityOf, type Capacity, type Workload } from '../../rules/capacity.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

/** Says what a workload needs. */
export function showCapacity(
  io: CliIo,
  { workload, json }: { readonly workload: Workload; readonly json: boolean },
): ExitCode {
  const capacity = capacityOf(workload);
  if (json) io.stdout.write(`${JSON.stringify({ workload, ...capacity })}\n`);
  else io.stdout.write(`${describeCapacity(workload, capacity).join('\n')}\n`);
  return EXIT.ok;
}

function describeCapacity(workload: Workload, capacity: Capacity): readonly string[] {
  const rows: readonly (readonly [string, string])[] = [
    ['jobs', `${say(capacity.jobsPerSecond)} a second at the peak (${workload.peakFactor} times the average)`],
    ['open at once', `${say(capacity.openJobs)} jobs`],
    ['requests', `${say(capacity.requestsPerSecond)} a second to the service`],
    ['Actions', `${say(capacity.actionsPerDay)} a day, ${say(capacity.actionsPerSecond)} a second`],
    ['transactions', `${say(capacity.transactionsPerSecond)} a second`],
    ['history', `${bytes(capacity.historyBytesPerDay)} a day`],
    ['database', `${bytes(capacity.databaseBytes)} for ${workload.retentionDays} days of retention`],
    ['shards', `${capacity.shards}`],
    ['server', `${capacity.serverCores} core(s)`],
    ['workers', `${capacity.workers} process(es) with ${capacity.workflowPollers} workflow pollers each`],
  ];
  return [
    ...rows.map(([name, value]) => `${name.padEnd(14)}${value}`),
    '',
    'What runs out first:',
    ...capacity.limits.map(
      ({ name, used, remedy }) => `  ${`${say(used * 100)} %`.padEnd(10)}of ${name}${used > 1 ? `: ${remedy}` : ''}`,
    ),
  ];
}

/** Three digits are all that such figures are worth. */
function say(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 2 });
}

function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let [left, unit] = [value, 0];
  for (; left >= 1_000 && unit < units.length - 1; unit += 1) left /= 1_000;
  return `${say(left)} ${units[unit]}`;
}
