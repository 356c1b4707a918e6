import { spawn } from 'node:child_process';

/** How an attempt ended. `not-found`: there is no such command. `aborted`: the caller's signal. */
type ProcessEnd = 'exit' | 'timeout' | 'stalled' | 'aborted' | 'not-found';

export interface ProcessResult {
  readonly end: ProcessEnd;
  /** Null unless `end` is `exit`. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The most the process may take, in milliseconds. */
  readonly timeoutMs: number;
  /** A number that grows while the process gets on; it is ended once that has stood still for `forMs`. */
  readonly progress?: { readonly measure: () => Promise<number>; readonly forMs: number };
  readonly signal?: AbortSignal | undefined;
}

/** Runs a command to its end, within bounds. Never rejects. */
export type RunProcess = (command: string, args: readonly string[], options: ProcessOptions) => Promise<ProcessResult>;

const OUTPUT_CAP = 64 * 1024;

/**
 * The {@link RunProcess} for real processes. The command gets a process group of its own, so that ending it ends whatever
 * it started, too.
 */
export const runProcess: RunProcess = async (command, args, options) => {
  if (options.signal?.aborted === true) return { end: 'aborted', code: null, stdout: '', stderr: '' };
  const child = spawn(command, args, { env: options.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text: string) => {
      output[name] = (output[name] + text).slice(-OUTPUT_CAP);
    });
  }

  let end: ProcessEnd = 'exit';
  const kill = (why: ProcessEnd) => (): void => {
    end = why;
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself in the meantime.
    }
  };
  const onAbort = kill('aborted');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const deadline = setTimeout(kill('timeout'), options.timeoutMs);
  const stopWatching = options.progress && watch(options.progress, kill('stalled'));

  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => {
      end = 'not-found';
      resolve(null);
    });
    child.once('close', (exitCode) => resolve(exitCode));
  });
  clearTimeout(deadline);
  stopWatching?.();
  options.signal?.removeEventListener('abort', onAbort);
  return { end, code: end === 'exit' ? code : null, ...output };
};

function watch(progress: NonNullable<ProcessOptions['progress']>, onStall: () => void): () => void {
  let last = { value: -1, atMs: performance.now() };
  const check = async (): Promise<void> => {
    const value = await progress.measure();
    if (value !== last.value) last = { value, atMs: performance.now() };
    else if (performance.now() - last.atMs >= progress.forMs) onStall();
  };
  const timer = setInterval(() => void check(), Math.min(500, progress.forMs / 4));
  return () => clearInterval(timer);
}
