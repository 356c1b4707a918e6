import type { CostOwner } from '../http/types.ts';
import type { ServiceRuntime } from './services.ts';

/**
 * The same service, with every request saying who it is for: the gate is fair between units and attributes cost.
 * @param turn takes turns as one, whatever the unit: a batch
 */
export function onBehalfOf(runtime: ServiceRuntime, { unit, tags }: CostOwner, turn?: string): ServiceRuntime {
  const owner: CostOwner = { ...(unit === undefined ? {} : { unit }), ...(tags === undefined ? {} : { tags }) };
  const { client } = runtime;
  const more = { owner, ...(turn === undefined ? {} : { turn }) };
  return { ...runtime, client: { ...client, send: (request, signal) => client.send({ ...request, ...more }, signal) } };
}
