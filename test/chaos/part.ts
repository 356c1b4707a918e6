import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a process is started. */
export interface PartSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets all it prints, over all its lives. */
  readonly logPath: string;
}

/** A process that is started again whenever it ends, as in production. */
export interface Part {
  readonly name: string;
  readonly pid: () => number | undefined;
  /** Ends this life by a signal; the next begins after `awayMs`, with more environment variables where given. */
  readonly end: (
    signal: 'SIGKILL' | 'SIGTERM',
    awayMs: number,
    env?: Readonly<Record<string, string>>,
  ) => Promise<void>;
  readonly pause: (forMs: number) => Promise<void>;
  /** Lives that ended without having been asked to. */
  readonly unasked: readonly string[];
  readonly close: () => Promise<void>;
}

/** Longest a process asked to stop may take, milliseconds. */
const STOP_MS = 40_000;
/** What a supervisor waits before it starts something that ended by itself. */
const AGAIN_MS = 1_000;

export function startPart(spec: PartSpec): Part {
  const log: WriteStream = createWriteStream(spec.logPath, { flags: 'a' });
  const unasked: string[] = [];
  let more: Readonly<Record<string, string>> = {};
  let child: ChildProcess | undefined;
  let expected = false;
  let closed = false;

  const live = (): void => {
    if (closed) return;
    expected = false;
    const started = spawn(spec.command, spec.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...spec.env, ...more },
    });
    child = started;
    log.write(`--- ${spec.name} starts as ${started.pid} at ${new Date().toISOString()}\n`);
    started.stdout.pipe(log, { end: false });
    started.stderr.pipe(log, { end: false });
    started.once('exit', (code, signal) => {
      if (expected || closed) return;
      unasked.push(`${spec.name} ended by itself at ${new Date().toISOString()}: ${signal ?? `code ${code}`}`);
      setTimeout(live, AGAIN_MS);
    });
  };
  live();

  return {
    name: spec.name,
    pid: () => child?.pid,
    unasked,
    end: async (signal, awayMs, env) => {
      const ending = child;
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
      expected = true;
      const gone = once(ending, 'exit');
      // A stopped process takes no other signal than these two.
      ending.kill('SIGCONT');
      ending.kill(signal);
      const late = setTimeout(() => ending.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(late);
      await sleep(awayMs);
      if (env !== undefined) more = env;
      live();
    },
    pause: async (forMs) => {
      const paused = child;
      paused?.kill('SIGSTOP');
      await sleep(forMs);
      paused?.kill('SIGCONT');
    },
    close: async () => {
      closed = true;
      const last = child;
      if (last !== undefined && last.exitCode === null && last.signalCode === null) {
        const gone = once(last, 'exit');
        last.kill('SIGCONT');
        last.kill('SIGKILL');
        await gone;
      }
      log.end();
    },
  };
}
