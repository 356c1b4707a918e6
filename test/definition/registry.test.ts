import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PlaybookError } from '../../src/contracts/errors.ts';
import { listIntegrations, loadIntegration } from '../../src/definition/index.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'integrations-'));
  await add('docproc', 'index.ts', "export const integration = { service: 'docproc', from: 'ts' };");
  await add('mailer', 'index.js', "export const integration = { service: 'mailer', from: 'js' };");
  await add('misnamed', 'index.js', "export const integration = { service: 'other' };");
  await add('empty', 'index.js', 'export const nothing = 1;');
  await mkdir(join(root, 'no-source'));
  await add('Not A Service', 'index.js', '');
  await writeFile(join(root, 'README.md'), '');
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
});
afterEach(() => rm(root, { recursive: true }));

async function add(folder: string, file: string, text: string): Promise<void> {
  await mkdir(join(root, folder, 'src'), { recursive: true });
  await writeFile(join(root, folder, 'src', file), text);
}

describe('the registry', () => {
  it('lists the folders that have an integration', async () => {
    expect(await listIntegrations(root)).toEqual(['docproc', 'empty', 'mailer', 'misnamed']);
    expect(await listIntegrations(join(root, 'nowhere'))).toEqual([]);
  });

  it('loads one, from sources or built', async () => {
    expect(await loadIntegration(root, 'docproc')).toEqual({ service: 'docproc', from: 'ts' });
    expect(await loadIntegration(root, 'mailer')).toEqual({ service: 'mailer', from: 'js' });
  });

  it.each([
    [
      'docprok',
      'There is no integration named "docprok". Did you mean docproc? Known: docproc, empty, mailer, misnamed.',
    ],
    ['no-source', 'There is no integration named "no-source". Known: docproc, empty, mailer, misnamed.'],
    ['../docproc', 'There is no integration named "../docproc". Known: docproc, empty, mailer, misnamed.'],
  ])('does not know %j', async (name, message) => {
    await expect(loadIntegration(root, name)).rejects.toThrow(new PlaybookError('UNKNOWN_SERVICE', message));
  });

  it('says so when there is none at all', async () => {
    await expect(loadIntegration(join(root, 'nowhere'), 'docproc')).rejects.toThrow(
      new PlaybookError('UNKNOWN_SERVICE', 'There is no integration named "docproc". Known: none.'),
    );
  });

  it.each(['misnamed', 'empty'])('refuses a folder that exports something else: %s', async (name) => {
    await expect(loadIntegration(root, name)).rejects.toThrow(
      new PlaybookError(
        'CONFIG_INVALID',
        `${join(root, name, 'src', 'index.js')} must export its definition as \`integration\`, with service "${name}".`,
      ),
    );
  });
});
