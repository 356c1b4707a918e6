import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** The real command at a pseudo terminal of its own. */
export interface AtTerminal {
  /** What has been shown, without its escape sequences. */
  readonly shown: () => string;
  /** Resolves once the text has been shown. */
  readonly sees: (text: string) => Promise<void>;
  readonly types: (keys: string) => void;
  /** Exit code. */
  readonly ended: Promise<number>;
  readonly kill: () => void;
}

const BIN = fileURLToPath(new URL('../../../src/cli/bin.ts', import.meta.url));

/** Starts it from the sources under `script` (util-linux), which makes the terminal. */
export function playbookAtTerminal(argv: readonly string[], cwd: string): AtTerminal {
  const command = [process.execPath, '--import', import.meta.resolve('tsx'), BIN, ...argv];
  const quoted = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', quoted, '/dev/null'], {
    cwd,
    env: { ...process.env, TERM: 'xterm', COLUMNS: '80' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const check of waiting) check();
    });
  }
  const shown = (): string => stripVTControlCharacters(output);
  const ended = once(child, 'close').then(([code]) => code as number);
  return {
    shown,
    ended,
    sees: async (text) => {
      const seen = new Promise<void>((resolve) => {
        const check = (): void => {
          if (shown().includes(text)) resolve();
        };
        waiting.add(check);
        check();
      });
      const gone = async (): Promise<void> => {
        const code = await ended;
        if (!shown().includes(text)) throw new Error(`ended (${code}) without ${JSON.stringify(text)}:\n${shown()}`);
      };
      await Promise.race([seen, gone()]);
    },
    types: (keys) => void child.stdin.write(keys),
    kill: () => void child.kill('SIGKILL'),
  };
}
