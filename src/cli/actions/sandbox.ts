import { resolve } from 'node:path';
import { PlaybookError } from '../../contracts/errors.ts';
import { SandboxError, startSandbox } from '../../sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/index.ts';
import { startLogging } from '../compose/logging.ts';
import { readSandboxOptions, sandboxOptionsOf } from '../compose/sandbox-options.ts';
import { integrationOf } from '../compose/service-configs.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

export interface SandboxCommandOptions {
  readonly path: readonly string[];
  /** Whose `sandbox.yaml` counts. @default docproc's API */
  readonly service: string | undefined;
  /** A YAML file with the sandbox's options. */
  readonly config: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly state: string | undefined;
  readonly rate: number | undefined;
  readonly seed: number | undefined;
}

const USUAL_PORT = 8300;

/** The sandbox on its own, until interrupted. */
export async function runSandbox(io: CliIo, options: SandboxCommandOptions): Promise<ExitCode> {
  const { logger } = startLogging(io, 'info', options.path);
  const sandbox = await start(await sandboxOptions(io, options), logger);
  const { url } = sandbox;
  io.stderr.write(`The sandbox is at ${url}; what it received: ${url}/_sandbox/requests\n`);
  await untilAborted(io.interrupt);
  await sandbox.close();
  return EXIT.ok;
}

/** What the service's file says, the file named over it, and the flags over both. */
async function sandboxOptions(io: CliIo, options: SandboxCommandOptions): Promise<SandboxOptions> {
  const { host, state, rate, seed } = options;
  const { config, service } = options;
  if (service !== undefined) await integrationOf(service);
  const file = {
    ...(service === undefined ? {} : await sandboxOptionsOf(service)),
    ...(config === undefined ? {} : await readSandboxOptions(resolve(io.cwd, config))),
  };
  const port = options.port ?? file.port ?? USUAL_PORT;
  return {
    ...file,
    port,
    ...(host === undefined ? {} : { host }),
    ...(state === undefined ? {} : { statePath: resolve(io.cwd, state) }),
    ...(rate === undefined ? {} : { limit: { ...file.limit, rate } }),
    ...(seed === undefined ? {} : { seed }),
  };
}

async function start(options: SandboxOptions, logger: SandboxOptions['logger']): Promise<Sandbox> {
  try {
    return await startSandbox({ ...options, ...(logger === undefined ? {} : { logger }) });
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    const code = error.code === 'ADDRESS_UNAVAILABLE' ? 'PORT_IN_USE' : 'CONFIG_INVALID';
    throw new PlaybookError(code, error.message, { cause: error });
  }
}
