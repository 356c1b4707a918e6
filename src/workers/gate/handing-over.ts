import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { readGate } from '../../client/control.ts';
import { readHeldGate } from '../../client/held-gate.ts';
import { gateWorkflowId } from '../../contracts/control.ts';

/** Longest a stopping process waits for its gate to be offered to the others, in milliseconds. */
const OFFERING_MS = 1_000;
const OFFERING_LOOK_MS = 25;

/** Resolves once another process may hold a gate whose holder has stopped; after a second in any case. */
export async function isOfferedAgain(client: Client, lane: string): Promise<void> {
  const untilMs = performance.now() + OFFERING_MS;
  while (performance.now() < untilMs) {
    // A gate that is closed is not offered; one that cannot be looked at is not waited for.
    const isOver = await Promise.all([readHeldGate(client, gateWorkflowId(lane)), readGate(client, lane)]).then(
      ([{ isOffered }, { closed }]) => isOffered || closed !== null,
      () => true,
    );
    if (isOver) return;
    await sleep(OFFERING_LOOK_MS);
  }
}
