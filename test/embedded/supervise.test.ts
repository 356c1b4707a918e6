import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { identify } from '../../src/embedded/process-identity.ts';
import { supervise } from '../../src/embedded/supervise.ts';

const env = process.env;

async function untilGone(pid: number): Promise<void> {
  for (let i = 0; i < 400 && identify(pid) !== null; i++) await sleep(25);
  expect(identify(pid)).toBeNull();
}

it('passes on each line of both outputs and the exit code, with arguments taken literally', async () => {
  const lines: string[] = [];
  const script = 'console.log(process.argv[1]); console.error("problem"); process.exitCode = 5';
  const command = await supervise([process.execPath, '-e', script, '$HOME "quoted" \'too\''], env, (line) =>
    lines.push(line),
  );
  expect(await command.ended).toBe(5);
  expect(lines.toSorted()).toEqual(['$HOME "quoted" \'too\'', 'problem']);
});

it('stops a command when asked, and once stopped does nothing more', async () => {
  const command = await supervise(['sleep', '60'], env, () => {});
  expect(identify(command.identity.pid)).toEqual(command.identity);
  await command.stop();
  expect(identify(command.identity.pid)).toBeNull();
  await command.stop();
});

it('reports a command that does not exist as one that ended with 127', async () => {
  const lines: string[] = [];
  const command = await supervise(['/nope/temporal'], env, (line) => lines.push(line));
  expect(await command.ended).toBe(127);
  expect(lines.join('\n')).toContain('/nope/temporal');
});

it('ends the command when the supervisor itself is killed', async () => {
  const command = await supervise(['sh', '-c', 'echo $PPID; exec sleep 60'], env, (line) => {
    process.kill(Number(line), 'SIGKILL');
  });
  expect(await command.ended).toBeNull();
  expect(identify(command.identity.pid)).toBeNull();
});

it('ends the command when this process is killed with its whole group', async () => {
  const script = join(import.meta.dirname, 'processes', 'run-supervised.ts');
  const owner = spawn(process.execPath, ['--import', 'tsx', script, 'sleep', '60'], { detached: true });
  const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
  const pid = Number(line);
  expect(identify(pid)).not.toBeNull();
  process.kill(-(owner.pid ?? 0), 'SIGKILL');
  await untilGone(pid);
});
