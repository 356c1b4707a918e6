import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { endProcess, identify, isAlive } from '../../src/embedded/process-identity.ts';
import type { ProcessIdentity, ProcessTable } from '../../src/embedded/process-identity.ts';

function identityOf(pid: number | undefined): ProcessIdentity {
  const identity = identify(pid ?? 0);
  if (identity === null) throw new Error(`no process ${pid}`);
  return identity;
}

const linux = (stat: string): ProcessTable => ({
  platform: 'linux',
  readFile: (path) => (path.startsWith('/proc/7/') ? stat : 'the-boot\n'),
  exec: () => {
    throw new Error('not on Linux');
  },
});
const fields = '1 7 7 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 4711 1000 5';

const mac = (output: string): ProcessTable => ({
  platform: 'darwin',
  readFile: () => {
    throw new Error('no /proc');
  },
  exec: () => output,
});

describe('identify', () => {
  it('says the same of a living process each time, and nothing of none', () => {
    expect(identify(process.pid)).toEqual(identityOf(process.pid));
    expect(isAlive(identityOf(process.pid))).toBe(true);
    expect(identify(2 ** 30)).toBeNull();
  });

  it('reads the start time on Linux even if the name holds parentheses and spaces', () => {
    expect(identify(7, linux(`7 (a) S 9 (b) R ${fields}`))).toEqual({ pid: 7, started: 'the-boot 4711' });
  });

  it('takes a dead process nobody has waited for as gone', () => {
    expect(identify(7, linux(`7 (node) Z ${fields}`))).toBeNull();
    expect(identify(7, linux(`7 (node) Z ${fields.replace('20 0 1 0', '20 0 3 0')}`))).not.toBeNull(); // threads are left
  });

  it('asks ps elsewhere', () => {
    expect(identify(7, mac('S+   Mon Nov 23 18:00:01 2026\n'))).toEqual({
      pid: 7,
      started: 'Mon Nov 23 18:00:01 2026',
    });
    expect(identify(7, mac('Z    Mon Nov 23 18:00:01 2026\n'))).toBeNull();
    expect(identify(7, mac(''))).toBeNull();
  });
});

describe('endProcess', () => {
  it('ends a process that listens to SIGTERM', async () => {
    const child = spawn('sleep', ['60']);
    const exited = once(child, 'exit');
    expect(await endProcess(identityOf(child.pid), 5_000)).toBe(true);
    expect(await exited).toEqual([null, 'SIGTERM']);
  });

  it('kills a process that does not', async () => {
    const child = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']);
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    expect(await endProcess(identityOf(child.pid), 200)).toBe(true);
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  it('leaves alone a process that only has the number of the one meant', async () => {
    const child = spawn('sleep', ['60']);
    try {
      expect(await endProcess({ ...identityOf(child.pid), started: 'earlier' }, 100)).toBe(true);
      expect(identify(child.pid ?? 0)).not.toBeNull();
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
});
