import { relative } from 'node:path';
import { startEmbedded } from '../compose/embedded.ts';
import type { Embedded } from '../compose/embedded.ts';
import { InterruptedError } from '../compose/interrupted-error.ts';
import { metricsAddress } from '../compose/metrics-address.ts';
import { startLogging } from '../compose/logging.ts';
import { configPaths, knownServices } from '../compose/service-configs.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { createScreen } from '../output/screen.ts';
import { showJobs } from './show-jobs.ts';

export interface StartOptions {
  readonly path: readonly string[];
  /** Values of `--config`. */
  readonly configs: readonly string[];
  /** Where Prometheus finds the metrics. */
  readonly metrics: string | undefined;
  /** Run the sample job. */
  readonly sample: boolean;
}

/** Starts all embedded parts and keeps them up until interrupted. */
export async function startAll(plainIo: CliIo, { path, configs, metrics, sample }: StartOptions): Promise<ExitCode> {
  const screen = createScreen(plainIo);
  const io = screen.guard(plainIo);
  const services = await knownServices();
  const paths = configPaths(configs, services, io.cwd, path);
  const logging = startLogging(io, 'warn', path);
  const address = metricsAddress(io, metrics, path);
  if (screen.isLive) screen.live(['Starting Temporal, sandbox, webhook receiver and worker …']);
  else screen.print('Starting Temporal, sandbox, webhook receiver and worker …');
  let embedded: Embedded;
  try {
    embedded = await startEmbedded({
      io,
      logging,
      services,
      configs: paths,
      ...(address === undefined ? {} : { metricsAddress: address }),
    });
  } catch (error) {
    if (error instanceof InterruptedError) return EXIT.ok;
    throw error;
  } finally {
    screen.live([]);
  }
  try {
    screen.print(introduction(io, embedded));
    const shown = showJobs({ io, screen, embedded, sample });
    await Promise.race([Promise.all([shown, untilAborted(io.interrupt)]), embedded.broken]);
  } finally {
    if (io.interrupt.aborted) screen.print('Stopping …');
    await embedded.close();
  }
  screen.print('Stopped. Jobs under way go on at the next start.');
  return EXIT.ok;
}

function introduction(io: CliIo, embedded: Embedded): string {
  const home = relative(io.cwd, embedded.home);
  return [
    'Playbook is up:',
    `  Temporal   ${embedded.temporalAddress} (state in ${home.startsWith('..') ? embedded.home : home})`,
    `  Web UI     ${embedded.uiUrl}`,
    ...[...embedded.sandboxUrls].map(([service, url]) => `  sandbox    ${url} (${service})`),
    `  webhooks   ${embedded.receiverUrl}`,
    `  worker     ${embedded.services.map(({ integration }) => integration.service).join(', ')}`,
  ].join('\n');
}
