import type { Client } from '@temporalio/client';
import { readControl, readGate } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { SERVICE_PATTERN } from '../../contracts/ids.ts';
import { laneOf } from '../../contracts/queues.ts';
import type { Route } from '../../contracts/states.ts';
import { didYouMean } from '../args/bad-usage.ts';
import { knownServices } from './service-configs.ts';

const RUNNING = `WorkflowType IN ('integration', 'gate') AND ExecutionStatus = 'Running'`;

/** All services there are: those of this installation, and those a server of yours already runs. In order. */
export async function operatedServices(client: Client): Promise<readonly string[]> {
  const names = new Set(await knownServices());
  for await (const { workflowId } of client.workflow.list({ query: RUNNING })) {
    const name = /^(?:integration|gate)\/([^.]+)/.exec(workflowId)?.[1];
    if (name !== undefined) names.add(name);
  }
  return [...names].toSorted();
}

/**
 * Makes sure that a service is one, so that a slip of the finger changes nothing.
 * @throws PlaybookError UNKNOWN_SERVICE naming the nearest
 */
export async function checkService(client: Client, service: string): Promise<void> {
  const known = await knownServices();
  if (known.includes(service)) return;
  const isOperated =
    SERVICE_PATTERN.test(service) &&
    ((await readControl(client, service)).revision > 0 || (await readGate(client, service)).exists);
  if (isOperated) return;
  const near = didYouMean(service, known, (name) => name);
  const list = near === '' ? ` There are: ${known.join(', ')}.` : near;
  throw new PlaybookError('UNKNOWN_SERVICE', `There is no service ${JSON.stringify(service)} here.${list}`);
}

/** A gate as the command line names it: a service's, or `<service>.fallback`. */
export interface NamedLane {
  readonly service: string;
  readonly route: Route;
}

/** @throws PlaybookError UNKNOWN_SERVICE */
export async function namedLane(client: Client, name: string): Promise<NamedLane> {
  const suffix = '.fallback';
  if (!name.endsWith(suffix)) {
    await checkService(client, name);
    return { service: name, route: 'live' };
  }
  const service = name.slice(0, -suffix.length);
  await checkService(client, service);
  if ((await readGate(client, laneOf(service, 'fallback'))).exists) return { service, route: 'fallback' };
  throw new PlaybookError(
    'UNKNOWN_SERVICE',
    `${service} has no fallback here: no worker has been started with \`fallback\` in its configuration.`,
  );
}
