import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { countOpenJobs, killGate, restoreGate } from '../../client/index.ts';
import type { Change } from '../../contracts/control.ts';
import { GATE_HEARTBEAT_TIMEOUT_MS } from '../../contracts/gate.ts';
import { laneOf } from '../../contracts/queues.ts';
import { gateSettles, SETTLE_MS } from '../compose/gate-settles.ts';
import type { Settled } from '../compose/gate-settles.ts';
import { namedLane } from '../compose/operated-services.ts';
import { readLane } from '../compose/service-reading.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { clockTime, count, seconds } from '../output/format.ts';
import { withRunning } from './jobs.ts';

export interface GateOptions {
  /** A service, or `<service>.fallback`. */
  readonly gate: string;
  readonly why: { readonly actor: string; readonly reason: string };
  readonly json: boolean;
}

/** Shuts a gate and sees to it that its holder has given up. */
export async function killService(
  io: CliIo,
  { gate, why, json, force }: GateOptions & { readonly force: boolean },
): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    const named = await namedLane(client, gate);
    const lane = laneOf(named.service, named.route);
    const before = await readLane(client, named.service, named.route);
    const change: Change = { ...why, atMs: Date.now(), what: force ? 'killed (forced)' : 'killed' };
    const startMs = performance.now();
    const replaced = (await killGate(client, lane, change, { force })) === 'replaced';
    const { reached, lane: now } = replaced
      ? await leaseRunsOut(client, named, before.holder)
      : await gateSettles(client, named, ({ killed, holder }) => killed !== null && holder === null);
    const tookMs = Math.round(performance.now() - startMs);
    const open = reached ? null : stillOpen(lane, now);
    if (json) {
      const { actor, reason, atMs } = change;
      const killed = { actor, reason, since: new Date(atMs).toISOString() };
      io.stdout.write(
        `${JSON.stringify({ gate: lane, killed, forced: force, replaced, confirmed: reached, tookMs, open })}\n`,
      );
    } else if (open === null) {
      io.stdout.write(
        await closedText(client, lane, named.service, { tookMs, wasHeld: before.holder !== null, force, replaced }),
      );
    }
    if (open === null) return EXIT.ok;
    io.stderr.write(`${open}\n`);
    return EXIT.failed;
  });
}

/** The holder of a gate whose workflow is gone cannot be seen any more; without renewal its right to send ends by the clock. */
async function leaseRunsOut(
  client: Client,
  { service, route }: { readonly service: string; readonly route: 'live' | 'fallback' },
  holder: string | null,
): Promise<Settled> {
  if (holder !== null) await sleep(GATE_HEARTBEAT_TIMEOUT_MS);
  const lane = await readLane(client, service, route);
  return { reached: lane.killed !== null, lane, tookMs: 0 };
}

async function closedText(
  client: Client,
  lane: string,
  service: string,
  how: { readonly tookMs: number; readonly wasHeld: boolean; readonly force: boolean; readonly replaced: boolean },
): Promise<string> {
  const { created, processing } = await countOpenJobs(client, service);
  const took = `${seconds(how.tookMs)} after the command (${clockTime(Date.now())})`;
  const proof = !how.wasHeld
    ? 'nobody held its gate'
    : how.replaced
      ? 'its gate was replaced, and whoever held it has lost the right to send'
      : 'the worker that held its gate has given up';
  return [
    `${lane} is killed: nothing leaves any more, certain ${took}: ${proof}.`,
    ...(how.replaced && !how.force ? ['No worker closed the gate within a second; are the workers well?'] : []),
    `${count(created, 'job')} CREATED and ${processing} PROCESSING wait in Temporal; webhooks are still taken.`,
    `Open it again: playbook restore ${lane}`,
    '',
  ].join('\n');
}

function stillOpen(lane: string, { killed, holder }: Settled['lane']): string {
  const after = `${seconds(SETTLE_MS)} after the command`;
  if (killed === null)
    return `Somebody opened ${lane} again while it was being killed: \`playbook history ${lane.split('.')[0]}\` says who.`;
  return `${lane} is closed, but ${after} ${holder} has not given its gate up. Look again with \`playbook status ${lane.split('.')[0]}\`; \`playbook kill ${lane} --force\` needs no worker.`;
}

/** Opens a gate; the backlog resumes by itself. */
export async function restoreService(io: CliIo, { gate, why, json }: GateOptions): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    const named = await namedLane(client, gate);
    const lane = laneOf(named.service, named.route);
    const before = await readLane(client, named.service, named.route);
    const change: Change = { ...why, atMs: Date.now(), what: 'restored' };
    await restoreGate(client, lane, change);
    const { lane: now } = await gateSettles(client, named, ({ killed, holder }) => killed === null && holder !== null);
    const { killed, holder } = now;
    if (json) {
      io.stdout.write(
        `${JSON.stringify({ gate: lane, wasKilled: before.killed !== null, open: killed === null, holder })}\n`,
      );
    } else if (killed === null) {
      const was = before.killed === null ? `${lane} was not killed; its gate is open` : `${lane} is open again`;
      const then = holder === null ? 'no worker holds its gate yet, and jobs wait until one does' : `${holder} sends`;
      io.stdout.write(`${was}: ${then}.\n`);
    }
    if (killed === null) return EXIT.ok;
    io.stderr.write(
      `NO_WORKER: The restore of ${lane} is stored, but ${seconds(SETTLE_MS)} after the command no worker has taken it. It opens as soon as a worker runs (\`playbook worker\`).\n`,
    );
    return EXIT.failed;
  });
}
