import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A process that is measured. */
export interface Measured {
  readonly pid: number;
  /** Processor time used so far, user and system, milliseconds. */
  readonly cpuMs: () => number;
  readonly residentMb: () => number;
  readonly stop: () => Promise<void>;
}

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;
const tsx = import.meta.resolve('tsx');

/** Processor time of a process so far, milliseconds: fields 14 and 15 of `/proc/<pid>/stat`. */
export function cpuMsOf(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(afterName[11]) + Number(afterName[12])) * TICK_MS;
}

/** Resident memory of a process, MB. */
export function residentMbOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Starts a file of `processes/` with the options a worker runs with in production; resolves once it says `ready`. */
export async function startMeasured(file: string, argument: object): Promise<Measured> {
  const path = fileURLToPath(new URL(`processes/${file}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--max-semi-space-size=2', '--import', tsx, path, JSON.stringify(argument)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, MALLOC_ARENA_MAX: '2' },
  });
  const pid = child.pid ?? 0;
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout);
  await Promise.race([
    once(lines, 'line'),
    ended.then(() => {
      throw new Error(`${file} ended before it was ready`);
    }),
  ]);
  return {
    pid,
    cpuMs: () => cpuMsOf(pid),
    residentMb: () => residentMbOf(pid),
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
