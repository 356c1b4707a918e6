import type { Client } from '@temporalio/client';
import { changeControl, readControl } from '../../client/index.ts';
import type { CliIo } from '../io.ts';

/**
 * Integrations are off until somebody enables them. On a sandbox of this machine nothing can be spent or broken, so the command
 * does it itself, says so, and never again: what an operator has changed since stays.
 */
export async function enableOnSandbox(client: Client, services: readonly string[], io: CliIo): Promise<void> {
  for (const service of services) {
    const { revision } = await readControl(client, service);
    if (revision > 0) continue;
    const reason = 'It runs against a sandbox on this machine.';
    await changeControl(client, service, 'enable', { actor: 'playbook', reason, expectedRevision: 0 });
    io.stderr.write(
      `${service} is enabled here, because it runs against a sandbox on this machine. Elsewhere it is off by default.\n`,
    );
  }
}
