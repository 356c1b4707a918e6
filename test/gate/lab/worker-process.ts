import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a worker process is told. */
export interface WorkerArguments {
  /** Of the Temporal server, or of a proxy before it. */
  readonly address: string;
  readonly namespace: string;
  /** Path of the workflow bundle. */
  readonly bundle: string;
  /** YAML. */
  readonly config: string;
}

/** A process of the lab. */
export interface LabProcess {
  readonly pid: number;
  readonly signal: (name: NodeJS.Signals) => void;
  /** What it printed, line by line. */
  readonly lines: readonly string[];
  /** Resolves once it has ended. */
  readonly ended: Promise<unknown>;
}

const tsx = import.meta.resolve('tsx');

/** Starts a TypeScript file as a process of its own and waits until a line of its output contains `ready`. */
export async function startProcess(file: string, argument: object, ready: string): Promise<LabProcess> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  // With the memory options of `bin/playbook.js`.
  const options = ['--max-semi-space-size=2', '--import', tsx];
  const child: ChildProcess = spawn(process.execPath, [...options, path, JSON.stringify(argument)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '', MALLOC_ARENA_MAX: '2' },
  });
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error(`${file} could not be started`);
  const lines: string[] = [];
  const ended = once(child, 'exit');
  const isReady = new Promise<void>((resolve) => {
    createInterface(stdout).on('line', (line) => {
      lines.push(line);
      if (line.includes(ready)) resolve();
    });
  });
  const early = ended.then(() => {
    throw new Error(`${file} ended before it was ready:\n${lines.join('\n')}`);
  });
  await Promise.race([isReady, early]);
  early.catch(() => undefined);
  return { pid, lines, ended, signal: (name) => void child.kill(name) };
}

/** Starts a worker process; it polls once this resolves. */
export async function startWorkerProcess(options: WorkerArguments): Promise<LabProcess> {
  return startProcess('../processes/worker.ts', options, 'The worker runs.');
}
