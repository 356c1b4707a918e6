import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process, told apart from a later one that got the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in whatever words the system has for that. */
  readonly started: string;
}

/** Reads a file or runs a command; tests pass their own. */
export interface ProcessTable {
  readonly platform: NodeJS.Platform;
  readonly readFile: (path: string) => string;
  readonly exec: (file: string, args: readonly string[]) => string;
}

const SYSTEM: ProcessTable = {
  platform: process.platform,
  readFile: (path) => readFileSync(path, 'utf8'),
  exec: (file, args) => execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
};

/** The identity of the process that has this number now; null if none has, or only a dead one nobody has waited for. */
export function identify(pid: number, table: ProcessTable = SYSTEM): ProcessIdentity | null {
  try {
    const started = table.platform === 'linux' ? startedOnLinux(pid, table) : startedElsewhere(pid, table);
    return started === null ? null : { pid, started };
  } catch {
    return null; // both sources fail for a process that is not there
  }
}

/** True while this very process is there. */
export function isAlive(identity: ProcessIdentity, table: ProcessTable = SYSTEM): boolean {
  return identify(identity.pid, table)?.started === identity.started;
}

/**
 * proc(5): after the name in parentheses the state is field 0, the number of threads 17, the start time in clock ticks since
 * boot 19. A dead process of which threads are left still has its ports and files.
 */
function startedOnLinux(pid: number, table: ProcessTable): string | null {
  const stat = table.readFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)) return null;
  return `${table.readFile('/proc/sys/kernel/random/boot_id').trim()} ${fields[19]}`;
}

function startedElsewhere(pid: number, table: ProcessTable): string | null {
  const [state = '', ...started] = table
    .exec('ps', ['-o', 'stat=,lstart=', '-p', String(pid)])
    .trim()
    .split(/\s+/);
  return state === '' || state.startsWith('Z') ? null : started.join(' ');
}

/**
 * Ends this very process: SIGTERM, and SIGKILL once `graceMs` are over. A process that has ended in the meantime, or whose
 * number another one has got, is left alone.
 *
 * @returns whether it is gone
 */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<boolean> {
  for (const [signal, forMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 5_000],
  ] as const) {
    const until = performance.now() + forMs;
    if (isAlive(identity)) process.kill(identity.pid, signal);
    while (isAlive(identity) && performance.now() < until) await sleep(20);
  }
  return !isAlive(identity);
}
