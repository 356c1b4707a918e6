import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { PlaybookError } from '../../contracts/errors.ts';
import { SandboxError, startSandbox } from '../../sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/index.ts';
import { startLogging } from '../compose/logging.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

export interface SandboxCommandOptions {
  readonly path: readonly string[];
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

/** What the file says, and the flags over it. */
async function sandboxOptions(io: CliIo, options: SandboxCommandOptions): Promise<SandboxOptions> {
  const { host, state, rate, seed } = options;
  const file = options.config === undefined ? {} : await readOptions(resolve(io.cwd, options.config));
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

async function readOptions(path: string): Promise<SandboxOptions> {
  let parsed: unknown;
  try {
    parsed = parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PlaybookError('CONFIG_INVALID', `The sandbox's options cannot be read from ${path}: ${why}`, { cause });
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new PlaybookError('CONFIG_INVALID', `${path} must hold the sandbox's options by name.`);
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
