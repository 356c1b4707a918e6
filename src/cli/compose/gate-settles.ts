import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { readLane } from './service-reading.ts';
import type { LaneReading } from './service-reading.ts';
import type { NamedLane } from './operated-services.ts';

/** Longest a holder may take to give up: its heartbeat timeout, and room for the server to notice. */
export const SETTLE_MS = 3_000;
const LOOK_EVERY_MS = 50;

/** How a gate stood when it was looked at last. */
export interface Settled {
  readonly reached: boolean;
  readonly lane: LaneReading;
  /** Milliseconds it took. */
  readonly tookMs: number;
}

/** Looks at a gate until it stands as wanted, for {@link SETTLE_MS} at most. */
export async function gateSettles(
  client: Client,
  { service, route }: NamedLane,
  isAsWanted: (lane: LaneReading) => boolean,
): Promise<Settled> {
  const startMs = performance.now();
  for (;;) {
    const lane = await readLane(client, service, route);
    const tookMs = performance.now() - startMs;
    if (isAsWanted(lane)) return { reached: true, lane, tookMs };
    if (tookMs > SETTLE_MS) return { reached: false, lane, tookMs };
    await sleep(LOOK_EVERY_MS);
  }
}
