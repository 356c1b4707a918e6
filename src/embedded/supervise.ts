import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { endProcess, identify } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** A command that does not outlive this process. */
export interface Supervised {
  readonly identity: ProcessIdentity;
  /** Settles when the command has ended, by whatever cause: its exit code, or null. */
  readonly ended: Promise<number | null>;
  /** Asks it to end (SIGTERM), insists after a while (SIGKILL), and waits for the end. */
  readonly stop: () => Promise<void>;
}

const GRACE_S = 8;

/**
 * Stands between this process and the command. Its standard input is a pipe nobody writes to: when it closes, because we
 * asked for that or because this process died in whatever way, the command is ended. The first line of output is the
 * command's process id.
 */
const SUPERVISOR = `
exec 3<&0 </dev/null
sh -c 'echo "$$"; exec "$@"' sh "$@" 3<&- &
command=$!
{ read -r _ <&3; kill -TERM "$command"; sleep ${GRACE_S}; kill -KILL "$command"; } >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$command"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/**
 * Starts a command that ends with this process, even if that is killed with its whole process group: the supervisor has a
 * group of its own. (So it does not get the terminal's Ctrl-C either: whoever started it stops it when its users have finished.)
 */
export async function supervise(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<Supervised> {
  const supervisor = spawn('sh', ['-c', SUPERVISOR, 'sh', ...command], { env, detached: true, stdio: 'pipe' });
  supervisor.stdin.on('error', () => {}); // it has ended before we closed the pipe
  const closed = once(supervisor, 'close');
  const firstLine = new Promise<string>((resolve) => {
    let onStdout = (line: string): void => {
      onStdout = onLine;
      resolve(line);
    };
    createInterface({ input: supervisor.stdout }).on('line', (line) => onStdout(line));
  });
  createInterface({ input: supervisor.stderr }).on('line', onLine);
  const first = await Promise.race([firstLine, closed.then(() => null)]);
  if (first === null) throw new Error(`${command[0]} could not be started`);
  const identity = identify(Number(first)) ?? { pid: Number(first), started: 'ended at once' };

  const ended = (async () => {
    const [code] = (await closed) as [number | null];
    await endProcess(identity, GRACE_S * 1000); // still there only if the supervisor itself was killed
    return code;
  })();
  const stop = async (): Promise<void> => {
    supervisor.stdin.end();
    await ended;
  };
  return { identity, ended, stop };
}
