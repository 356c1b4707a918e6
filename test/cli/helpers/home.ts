import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/run-cli.ts';
import type { ExitCode } from '../../../src/cli/exit-codes.ts';
import { temporalPath, workflowBundlePath } from '../../helpers/temporal.ts';
import { playbook, testIo } from './test-io.ts';
import type { TestIo, TestIoOptions } from './test-io.ts';

/** A home folder of its own, with the environment to use it. */
export interface TestHome {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command line to its end in this home. */
  readonly run: (
    argv: readonly string[],
    options?: TestIoOptions,
  ) => Promise<{ readonly code: ExitCode; readonly out: string; readonly err: string }>;
  /** Starts a command line that stays up. */
  readonly start: (
    argv: readonly string[],
    options?: TestIoOptions,
  ) => { readonly io: TestIo; readonly ended: Promise<ExitCode> };
  readonly remove: () => Promise<void>;
}

export async function testHome(): Promise<TestHome> {
  const path = await mkdtemp(join(tmpdir(), 'playbook-home-'));
  const env = {
    PLAYBOOK_HOME: join(path, 'home'),
    PLAYBOOK_TEMPORAL_BIN: temporalPath(),
    TEMPORAL_CONFIG_FILE: join(path, 'none.toml'),
  };
  const complete = (options: TestIoOptions = {}): TestIoOptions => ({
    cwd: path,
    workflowBundlePath: workflowBundlePath(),
    ...options,
    env: { ...env, ...options.env },
  });
  return {
    path,
    env,
    run: (argv, options) => playbook(argv, complete(options)),
    start: (argv, options) => {
      const io = testIo(complete(options));
      return { io, ended: runCli(argv, io) };
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
