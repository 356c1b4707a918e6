import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { PlaybookError } from '../../contracts/errors.ts';
import { hasWorker } from '../compose/has-worker.ts';
import { checkService, operatedServices } from '../compose/operated-services.ts';
import { readService } from '../compose/service-reading.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { clockTime } from '../output/format.ts';
import { createScreen } from '../output/screen.ts';
import { statusLine } from '../output/status-line.ts';
import { statusPage, statusTable } from '../output/status-text.ts';
import { withRunning } from './jobs.ts';

export interface StatusOptions {
  /** One service in full; without it all of them in a table. */
  readonly service: string | undefined;
  /** Again every second, until interrupted. */
  readonly watch: boolean;
  readonly json: boolean;
}

const EVERY_MS = 1_000;

/** How services stand. */
export async function showStatus(io: CliIo, { service, watch, json }: StatusOptions): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    if (service !== undefined) await checkService(client, service);
    const read = (): Promise<string> => text(client, service, json);
    if (!watch) io.stdout.write(await read());
    else await watchStatus(io, read, json);
    return EXIT.ok;
  });
}

async function text(client: Client, service: string | undefined, json: boolean): Promise<string> {
  const names = service === undefined ? await operatedServices(client) : [service];
  const [readings, isWorking] = await Promise.all([
    Promise.all(names.map((name) => readService(client, name, Date.now()))),
    hasWorker(client),
  ]);
  if (json) return readings.map((reading) => `${JSON.stringify(statusLine(reading))}\n`).join('');
  const only = service === undefined ? undefined : readings[0];
  return only === undefined ? statusTable(readings, isWorking) : statusPage(only, isWorking);
}

/** Shows it in place on a terminal, and one below the other elsewhere. A server that is away for a while does not end it. */
async function watchStatus(io: CliIo, read: () => Promise<string>, json: boolean): Promise<void> {
  const screen = createScreen(io);
  while (!io.interrupt.aborted) {
    const shown = await read().catch((error: unknown) => {
      if (!(error instanceof PlaybookError) || error.code !== 'TEMPORAL_UNREACHABLE') throw error;
      return json ? '' : `${error.message} Trying again.\n`;
    });
    const lines = [...(json ? [] : [clockTime(Date.now()), '']), ...shown.trimEnd().split('\n')];
    if (screen.isLive && !json) screen.live(lines);
    else if (shown !== '') io.stdout.write(`${lines.join('\n')}\n`);
    await sleep(EVERY_MS, undefined, { signal: io.interrupt }).catch(() => undefined);
  }
}
