import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The real command in a process (and process group) of its own. */
export interface Spawned {
  readonly pid: number;
  readonly out: () => string;
  readonly sees: (text: string) => Promise<void>;
  /** Ends the whole process group. */
  readonly killGroup: () => void;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

const BIN = fileURLToPath(new URL('../../../src/cli/bin.ts', import.meta.url));

/** Starts it from the sources, so that no build has to come first. */
export function spawnPlaybook(argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string): Spawned {
  const { TEMPORAL_ADDRESS: _none, ...inherited } = process.env;
  const tsx = import.meta.resolve('tsx');
  const child = spawn(process.execPath, ['--import', tsx, BIN, ...argv], {
    cwd,
    env: { ...inherited, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const check of waiting) check();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const pid = child.pid ?? 0;
  return {
    pid,
    out: () => output,
    sees: async (text) => {
      const seen = new Promise<void>((resolve) => {
        const check = (): void => {
          if (output.includes(text)) resolve();
        };
        waiting.add(check);
        check();
      });
      const gone = async (): Promise<void> => {
        const how = await ended;
        if (!output.includes(text)) throw new Error(`ended (${how}) without ${JSON.stringify(text)}:\n${output}`);
      };
      await Promise.race([seen, gone()]);
    },
    killGroup: () => process.kill(-pid, 'SIGKILL'),
    signal: (signal) => process.kill(pid, signal),
    ended,
  };
}
