import type { Client } from '@temporalio/client';
import { changeControl } from '../../src/client/index.ts';

/** Enables integrations, which are off by default. Needs a running worker. */
export async function enable(client: Client, services: readonly string[]): Promise<void> {
  await Promise.all(
    services.map((service) => changeControl(client, service, 'enable', { actor: 'a test', reason: 'to run jobs' })),
  );
}
