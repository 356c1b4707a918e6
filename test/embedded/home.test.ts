import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { homePath, openHome } from '../../src/embedded/index.ts';
import type { Home } from '../../src/embedded/index.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'home-'));
  path = join(folder, 'new', '.playbook');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

it('is .playbook here unless PLAYBOOK_HOME says otherwise', () => {
  expect(homePath({}, '/work')).toBe('/work/.playbook');
  expect(homePath({ PLAYBOOK_HOME: '' }, '/work')).toBe('/work/.playbook');
  expect(homePath({ PLAYBOOK_HOME: 'state' }, '/work')).toBe('/work/state');
  expect(homePath({ PLAYBOOK_HOME: '/var/state' }, '/work')).toBe('/var/state');
});

describe('a home', () => {
  it('is created, and refused to a second opener with the first one’s number', async () => {
    const home = await openHome(path);
    await expect(openHome(path)).rejects.toMatchObject({
      code: 'HOME_IN_USE',
      message: `${path} is in use by process ${process.pid}. Stop that process (Ctrl-C in its terminal, or kill ${process.pid}), or set PLAYBOOK_HOME to another folder.`,
    });
    await home.close();
  });

  it('can be opened again once closed, and does not gather files', async () => {
    for (let round = 0; round < 3; round++) await (await openHome(path)).close();
    expect(await readdir(path)).toEqual(['lock.3']);
  });

  it('is taken over from a process killed with kill -9', async () => {
    const child = spawn(process.execPath, [
      '--import',
      'tsx',
      join(import.meta.dirname, 'processes', 'hold-home.ts'),
      path,
    ]);
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    await expect(openHome(path)).rejects.toThrow(`in use by process ${child.pid}.`);
    child.kill('SIGKILL');
    await exited;
    await (await openHome(path)).close();
  });

  it('is taken over where the owner’s number now belongs to another process, or its lock is unreadable', async () => {
    await (await openHome(path)).close();
    await writeFile(join(path, 'lock.7'), JSON.stringify({ pid: process.pid, started: 'long ago' }));
    await (await openHome(path)).close();
    await writeFile(join(path, 'lock.9'), '{"pi');
    await (await openHome(path)).close();
    expect(await readdir(path)).toEqual(['lock.10']);
  });

  it('goes to exactly one of many that open it at once, also when they find a dead one’s lock', async () => {
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, async () => openHome(path)));
      const opened = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(opened).toHaveLength(1);
      const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
      expect(new Set(codes)).toEqual(new Set(['HOME_IN_USE']));
      await (opened[0] as Home).close();
    }
  });

  it('passes on what the file system says if it cannot be written', async () => {
    await writeFile(join(folder, 'new'), 'a file');
    await expect(openHome(path)).rejects.toThrow(/ENOTDIR|EEXIST/);
  });
});
