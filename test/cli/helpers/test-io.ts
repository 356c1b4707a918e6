import { setMaxListeners } from 'node:events';
import type { CliIo, Output } from '../../../src/cli/io.ts';
import { NO_METRICS } from '../../../src/contracts/metric-recorder.ts';
import { runCli } from '../../../src/cli/run-cli.ts';
import type { ExitCode } from '../../../src/cli/exit-codes.ts';

export interface TestIoOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Pretend to be on a terminal of this width. */
  readonly columns?: number;
  readonly workflowBundlePath?: string;
}

/** An io that keeps what is written, and can be interrupted. */
export interface TestIo extends CliIo {
  readonly out: () => string;
  readonly err: () => string;
  readonly ctrlC: () => void;
  /** Resolves once stdout and stderr together hold the text. */
  readonly sees: (text: string, timeoutMs?: number) => Promise<void>;
}

export function testIo(options: TestIoOptions = {}): TestIo {
  const interrupt = new AbortController();
  setMaxListeners(Infinity, interrupt.signal); // as the command's own
  let [out, err] = ['', ''];
  const listeners = new Set<() => void>();
  const output = (add: (text: string) => void): Output => ({
    write: (text) => {
      add(text);
      for (const listener of listeners) listener();
    },
    isTTY: options.columns !== undefined,
    ...(options.columns === undefined ? {} : { columns: options.columns }),
  });
  return {
    stdout: output((text) => (out += text)),
    stderr: output((text) => (err += text)),
    stdin: stream(options.stdin ?? ''),
    env: options.env ?? {},
    cwd: options.cwd ?? '/nowhere',
    interrupt: interrupt.signal,
    installRuntime: () => Promise.resolve(NO_METRICS), // the test helper has done it for the whole process
    workflowBundle: () => Promise.resolve({ codePath: options.workflowBundlePath ?? 'none' }),
    out: () => out,
    err: () => err,
    ctrlC: () => interrupt.abort(),
    sees: async (text, timeoutMs = 30_000) => {
      if ((out + err).includes(text)) return;
      await new Promise<void>((resolve, reject) => {
        const listener = (): void => {
          if (!(out + err).includes(text)) return;
          listeners.delete(listener);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(() => {
          listeners.delete(listener);
          reject(new Error(`did not see ${JSON.stringify(text)} in:\n${out}\n${err}`));
        }, timeoutMs);
        listeners.add(listener);
      });
    },
  };
}

async function* stream(text: string): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield Buffer.from(text);
}

/** Runs a command line to its end. */
export async function playbook(
  argv: readonly string[],
  options: TestIoOptions = {},
): Promise<{ readonly code: ExitCode; readonly out: string; readonly err: string }> {
  const io = testIo(options);
  const code = await runCli(argv, io);
  return { code, out: io.out(), err: io.err() };
}
