import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCli } from '../../src/cli/run-cli.ts';
import { playbook, testIo } from '../cli/helpers/test-io.ts';
import { startStack, type Stack } from '../helpers/stack.ts';
import { testNamespace } from '../helpers/temporal.ts';

const env = {
  TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'],
  TEMPORAL_NAMESPACE: testNamespace(),
  TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml',
};
const JOBS = 60;

describe('playbook run --from', () => {
  let stack: Stack;
  let folder: string;
  const run = (...argv: string[]) => playbook(argv, { env, cwd: folder });

  beforeAll(async () => {
    stack = await startStack({ sandbox: { limit: { rate: 1_000 }, processing: { minMs: 20, maxMs: 400 } } });
    folder = await mkdtemp(join(tmpdir(), 'playbook-from-'));
    const rows = ['key,unit,file'];
    for (let nth = 0; nth < JOBS; nth += 1) {
      await writeFile(join(folder, `${nth}.txt`), `letter ${nth}`);
      rows.push(`letter-${nth},acme,${nth}.txt`);
    }
    await writeFile(join(folder, 'letters.csv'), `${rows.join('\n')}\n`);
  });
  afterAll(async () => {
    await stack.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('runs every row to its end, writes the results and says what failed', async () => {
    // Two documents the service refuses.
    stack.sandbox.faults({ rules: [{ kind: 'error', method: 'POST', path: '/v3/jobs', status: 400, count: 2 }] });
    const first = await run('run', 'docproc', '--from', 'letters.csv', '--name', 'letters', '--out', 'out.jsonl');
    expect(first.out).toContain(`Batch letters: ${JOBS} jobs`);
    expect(first.out).toMatch(/58 completed, 2 not/);
    expect(first.out).toMatch(/VALIDATION {2}2 {2}such as letter-\d+/);
    expect(first.code).toBe(1);
    const lines = (await readFile(join(folder, 'out.jsonl'), 'utf8')).trim().split('\n');
    const outcomes = lines.map(
      (line) => JSON.parse(line) as { key: string; state: string; result: { text: string } | null },
    );
    expect(new Set(outcomes.map(({ key }) => key)).size).toBe(JOBS);
    for (const { key, state, result } of outcomes) {
      if (state === 'COMPLETED') expect(result?.text).toBe(key.replace('-', ' '));
    }

    // The same command finds what is there: nothing is sent again.
    const posts = stack.sandbox.requests({ method: 'POST' }).length;
    const again = await run('run', 'docproc', '--from', 'letters.csv', '--name', 'letters', '--json');
    expect(again.out.trim().split('\n')).toHaveLength(JOBS);
    expect(stack.sandbox.requests({ method: 'POST' }).length).toBe(posts);

    const retried = await run('run', 'docproc', '--from', 'letters.csv', '--name', 'letters', '--retry-failed');
    expect(retried.out).toMatch(/Batch letters\.retry-1: 2 jobs.*2 completed, 0 not/);
    expect(retried.code).toBe(0);

    const found = await run('jobs', 'status', 'docproc/letter-7');
    expect(found.out).toContain('letters, part 0 (batch/docproc/letters/0)');
    expect(found.out).toMatch(/state +COMPLETED|state +FAILED/);
    expect((await run('jobs', 'status', 'docproc/letter-999')).err).toContain('JOB_NOT_FOUND');
  });

  it('detaches on Ctrl-C and shows how far it is on a terminal', async () => {
    await writeFile(join(folder, 'more.jsonl'), (await jsonl(stack, 40)).join('\n'));
    const io = testIo({ env, cwd: folder, columns: 160 });
    // Slow enough for a second look while they are under way.
    stack.sandbox.faults({ rules: [{ kind: 'latency', method: 'POST', path: '/v3/jobs', ms: 3_000 }] });
    const ended = runCli(['run', 'docproc', '--from', 'more.jsonl'], io);
    await io.sees(' of 40');
    io.ctrlC();
    expect(await ended).toBe(3);
    stack.sandbox.clearFaults();
    expect(io.err() + io.out()).toContain('The same command takes it up again');
    const again = await run('run', 'docproc', '--from', 'more.jsonl');
    expect(again.out).toContain('40 completed, 0 not');
  });

  it('says that nothing was sent where there is nothing to send', async () => {
    await writeFile(join(folder, 'none.csv'), 'key,unit,file\n');
    const { code, err } = await run('run', 'docproc', '--from', 'none.csv');
    expect(err).toContain('Nothing was sent: none.csv has no jobs.');
    expect(code).toBe(0);
  });

  it.each([
    [['run', 'docproc', '--from', 'letters.txt'], 'FILE_NOT_FOUND'],
    [['run', 'docproc', '--from', '0.txt'], 'takes a .jsonl or .csv file or a folder'],
    [['run', 'docproc', 'a.pdf', '--from', 'letters.csv'], 'leave the files out'],
    [['run', 'docproc', '--from', 'letters.csv', '--key', 'x'], 'leave --key out'],
    [['run', 'docproc', '--out', 'x', 'a.pdf'], '--out is for a batch'],
    [['run', 'docproc'], '<file> is missing'],
    [['run', 'docproc', '--from', 'letters.csv', '--name', 'a b'], 'is no name for a batch'],
    [['run', 'docproc', '--from', 'letters.csv', '--name', 'none', '--retry-failed'], 'There is no batch none'],
  ])('refuses %j', async (argv, message) => {
    const { code, err } = await run(...argv);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});

async function jsonl(stack: Stack, count: number): Promise<string[]> {
  const lines: string[] = [];
  for (let nth = 0; nth < count; nth += 1) {
    const input = await stack.document(`more-${nth}.txt`, `more ${nth}`);
    lines.push(JSON.stringify(nth % 2 === 0 ? { key: `more-${nth}`, input } : input));
  }
  return lines;
}
