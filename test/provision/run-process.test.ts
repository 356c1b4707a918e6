import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { identify } from '../../src/embedded/process-identity.ts';
import { runProcess } from '../../src/provision/run-process.ts';

const env = process.env;
const node = process.execPath;
const forever = ['-e', 'setInterval(() => {}, 1000)'];

it('gives exit code and output of a command that ends', async () => {
  const script = 'console.log("out"); console.error("err"); process.exitCode = 3';
  const result = await runProcess(node, ['-e', script], { env, timeoutMs: 20_000 });
  expect(result).toEqual({ end: 'exit', code: 3, stdout: 'out\n', stderr: 'err\n' });
});

it('tells a command that is not there', async () => {
  const result = await runProcess('no-such-command-anywhere', [], { env, timeoutMs: 20_000 });
  expect(result).toEqual({ end: 'not-found', code: null, stdout: '', stderr: '' });
});

it('ends a command that takes too long, and what it has started', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'run-'));
  try {
    const file = join(folder, 'pid');
    const script = `echo 'x' | { sh -c 'echo $$ > "${file}"; exec sleep 60'; }`;
    const result = await runProcess('sh', ['-c', script], { env, timeoutMs: 500 });
    expect(result).toMatchObject({ end: 'timeout', code: null });
    const grandchild = Number(await readFile(file, 'utf8'));
    expect(identify(grandchild)).toBeNull();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('ends a command whose progress stands still, however much time is left', async () => {
  const progress = { measure: async () => 7, forMs: 100 };
  const result = await runProcess(node, forever, { env, timeoutMs: 60_000, progress });
  expect(result.end).toBe('stalled');
});

it('lets a command go on while it makes progress', async () => {
  let bytes = 0;
  const progress = { measure: async () => (bytes += 1), forMs: 100 };
  const result = await runProcess('sleep', ['0.5'], { env, timeoutMs: 60_000, progress });
  expect(result).toMatchObject({ end: 'exit', code: 0 });
});

it('ends a command when interrupted, and starts none afterwards', async () => {
  const interrupt = new AbortController();
  const running = runProcess(node, forever, { env, timeoutMs: 60_000, signal: interrupt.signal });
  interrupt.abort();
  expect((await running).end).toBe('aborted');
  expect((await runProcess(node, forever, { env, timeoutMs: 60_000, signal: interrupt.signal })).end).toBe('aborted');
});
